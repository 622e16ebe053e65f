"""The campaign types that ship with samverkan; they use the public plugin contract only."""

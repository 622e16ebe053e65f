"""Login, tokens and who the caller is."""

"""samverkan: an open-source server for distributed marketing."""

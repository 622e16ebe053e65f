"""Brings a network and its contacts in from CSV files, all of a file or none of it."""

"""Whom an event reaches: people by their place in the network, webhooks by their filters."""

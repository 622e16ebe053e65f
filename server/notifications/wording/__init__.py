"""In which words people are told: what a message is about, templates, and finished texts."""

"""Messages made from events, and the channels that carry them."""

"""A table in a channel of Discord: a message that shows how it is, with buttons for its crew."""

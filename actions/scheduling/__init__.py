"""Sessions that are booked and start by themselves."""

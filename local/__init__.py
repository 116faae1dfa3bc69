"""The embedded AWS: start it, deploy to it, seed it, follow the function's log."""

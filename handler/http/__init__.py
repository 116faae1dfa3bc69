"""HTTP: one module per surface, each converting to the dispatcher and back. Loaded when an HTTP event comes."""

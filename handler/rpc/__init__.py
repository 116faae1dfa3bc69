"""gRPC: the calls of Lambda Action, converted to actions and back. Only `python -m handler.server` loads it."""

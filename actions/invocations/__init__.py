"""Functions that clients have invoked: who may, which, with what, and what came of it."""

"""A member's server from create to destroy."""

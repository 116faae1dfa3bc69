"""Donations by Ko-fi: each counted once, for who gave it."""

"""Saves of members' files: made, listed, kept, put back."""

"""Licences shared fairly: one holder at a time, the owner first."""

"""The platform as a whole, against what it promises."""

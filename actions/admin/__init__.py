"""What administrators and monitors ask."""

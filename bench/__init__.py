"""What `make bench` measures: how fast the function is there, and what it asks of AWS."""

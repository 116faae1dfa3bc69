"""What the platform does its work with: the only code that talks to AWS, one module per service or table."""

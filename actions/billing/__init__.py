"""What servers cost, who used what, and how much may be spent."""

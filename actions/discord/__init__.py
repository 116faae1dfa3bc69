"""What Discord's commands are, and registering them. What comes from Discord is the surface's (handler/discord)."""

"""Discord as a surface: what its members type and press becomes actions, and answers become messages."""

PATH = "/webhooks/discord"

"""What web pages and programs get besides servers: a chat, mock data, and whether the platform is ready."""

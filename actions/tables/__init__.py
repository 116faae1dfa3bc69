"""Members' servers as players see them: pages at the servers' own names (docs/tables.md)."""

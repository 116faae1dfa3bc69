"""What the platform does by itself: schedules, ECS's events, work put off."""

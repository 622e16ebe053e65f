"""What happens later: due moves, reminders, jobs of plugins."""

"""What a stored feature program consists of, and its JSON."""

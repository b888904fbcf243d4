"""The stored form of a feature program: its parts and their JSON."""

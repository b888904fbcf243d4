"""What the screen shows, as plain objects that a background thread makes. Knows no widgets."""

"""Plain objects that a background thread makes and the screen shows. Knows no widgets."""

"""The path from a question about a run to its answer: planned, looked up, computed by checkpoint, kept, assembled."""

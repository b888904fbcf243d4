"""The faces of a running sweep: a board of its cells, as a live table or as plain lines."""

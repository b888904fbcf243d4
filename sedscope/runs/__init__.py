"""A run directory → rows, windows, scalars, weights; also of a run that is still being written."""

"""The interpreter of a stored feature program, after everything about it was checked."""

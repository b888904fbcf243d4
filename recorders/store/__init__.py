"""A run directory as it is written: files that are whole or absent, and a journal that says what counts."""

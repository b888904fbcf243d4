"""The command line: one file per command, flags and one hand-off."""

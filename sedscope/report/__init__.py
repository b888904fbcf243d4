"""The headless face of the analysis: the terminal table and files."""

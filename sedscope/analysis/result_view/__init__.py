"""What is shown of a result, the same on the terminal, in the report, in the viewer, in files and to checks."""

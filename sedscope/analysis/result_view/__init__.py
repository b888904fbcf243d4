"""The values of a result as they are shown on the terminal, in the report, the viewer and files, and to checks."""

"""The terminal face of the analysis: `sedscope view`."""

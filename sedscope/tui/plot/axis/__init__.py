"""Axes of a plot: scales, limits, ticks and the frame around the curves."""

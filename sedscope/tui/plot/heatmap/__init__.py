"""Heatmaps drawn in characters."""

"""Plots and heatmaps for a terminal: numpy in, braille and blocks out.

They know nothing of runs: data objects in, messages out. The data objects and drawing functions import no Textual.
"""

"""Figures of a report as SVG: each module draws one kind from results, `figure_canvas` decides how all of them look."""

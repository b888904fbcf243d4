"""Figures of a report as SVG: each module draws one kind from results, `canvas` decides how all of them look."""

"""Intervals, ratios and groups of probes: the statistics of a measured number. No torch."""

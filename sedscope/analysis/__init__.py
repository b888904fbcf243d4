"""The mathematics: pure functions, thresholds passed in, results as dataclasses."""

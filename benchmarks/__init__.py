"""The cost of recording: `python -m benchmarks`, or `make bench`."""

"""What recording costs: `python -m benchmarks`, or `make bench`."""

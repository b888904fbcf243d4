"""Coupling of directions to the centroids: A(v) as a whole, per block, and along what came next."""

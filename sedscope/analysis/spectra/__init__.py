"""Rows of a source, the windows that hold them, their Gram matrix and their rolling SVD. No torch."""

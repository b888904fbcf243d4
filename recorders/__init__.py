"""What runs inside somebody's training process: hooks, capture, and the writer of run directories.

Lazy: importing this package imports no torch. The public names live in `recorders.api`.
"""

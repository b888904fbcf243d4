"""The part of sedscope that runs inside somebody's training process: hooks, capture, and the run directory's writer.

Lazy: importing this package imports no torch. The public names live in `recorders.api`.
"""

"""Which parameters are studied: their roles, their names, their blocks, and their places in the flat vector."""

from recorders.selection.parameter_selection import ALL, PRESETS, ModelParameter, Selection, select

__all__ = ["ALL", "PRESETS", "ModelParameter", "Selection", "select"]

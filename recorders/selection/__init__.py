"""The parameters that are studied: their roles, their names, their blocks, and their positions in the flat vector."""

from recorders.selection.parameter_selection import ALL, PRESETS, ModelParameter, Selection, select

__all__ = ["ALL", "PRESETS", "ModelParameter", "Selection", "select"]

"""Which parameters are studied: their roles, their names, their blocks, and their places in the flat vector."""

from recorders.selection.select import ALL, PRESETS, Parameter, Selection, select

__all__ = ["ALL", "PRESETS", "Parameter", "Selection", "select"]

"""Widgets that several tabs are built of."""

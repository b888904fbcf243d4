"""Interventions beside their controls, as words, tables and JSON. The numbers come from `analysis.interventions`."""

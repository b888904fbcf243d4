"""The Coupling tab."""

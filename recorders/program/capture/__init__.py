"""The capture of a model's forward pass as a feature program, checked against the model."""

"""What captures a model's forward pass as a feature program, and checks it against the model."""

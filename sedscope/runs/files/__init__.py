"""Foreign files opened so that they can do no harm: folders, JSON lines and tensors."""

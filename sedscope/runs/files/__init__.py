"""Files of somebody else, opened so that they can do no harm: folders, journal lines, JSON objects and tensors."""

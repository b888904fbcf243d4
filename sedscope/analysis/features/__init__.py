"""The model at a checkpoint: its centroids, their Jacobian-vector products and the random directions."""

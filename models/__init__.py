"""Networks, training recipes, data loaders and shipped checkpoints."""

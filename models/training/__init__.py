"""Training: the loop, what is trained, and what it learns from."""

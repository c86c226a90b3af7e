"""What runs on the board: it needs NumPy only."""

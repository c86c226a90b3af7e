"""What runs on the board: it needs NumPy only."""

VERSION = "0.1.0"
"""Of the driver, and of the builds that it is for."""

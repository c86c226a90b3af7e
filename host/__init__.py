"""What runs on the board: numpy and pynq only."""

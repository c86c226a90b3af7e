"""The dataflows side by side: one layer or network through each of them, measured alike."""

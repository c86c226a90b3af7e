"""The streaming dataflow: one unit per layer, joined by streams."""

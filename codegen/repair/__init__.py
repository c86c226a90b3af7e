"""Repairs of a trained network before and after quantization, without labels."""

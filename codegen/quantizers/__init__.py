"""Quantizers, one file each: float weights become codes and scales of a format."""

"""Sensitivity: how much a network suffers when one of its layers is quantized."""

"""Shiftloom: trained networks to bit-exact FPGA accelerators."""

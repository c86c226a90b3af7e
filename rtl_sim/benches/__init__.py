"""cocotb test benches of the RTL library."""

"""Formal proofs of library modules: properties in SystemVerilog, Yosys, and an SMT solver."""

"""The compiler: front ends, IR, formats, quantizers, golden model, dataflows, rendering."""

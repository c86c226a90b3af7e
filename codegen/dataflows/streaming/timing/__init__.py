"""Clock-exact models of the units' handshakes, one file a kind, and the clock loop over a graph."""

"""Training of quantized networks: a Graph as a torch module that computes the golden integers."""

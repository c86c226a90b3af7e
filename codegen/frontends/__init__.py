"""Front ends: a framework's model becomes a Graph."""

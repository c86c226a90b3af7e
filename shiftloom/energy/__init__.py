"""Energy by proxies: toggles of netlists on a network's own operands, and bits out of memory."""

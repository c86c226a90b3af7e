"""Mixed precision: settings chosen layer by layer, for the least damage within a budget."""

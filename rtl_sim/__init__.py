"""Simulation, synthesis and place-and-route of generated designs."""

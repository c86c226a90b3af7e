"""Dataflows: each a way to turn a loop nest into hardware."""

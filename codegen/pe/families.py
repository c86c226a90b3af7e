"""Families of PEs, and which of them may build a layer."""

from __future__ import annotations

from shiftloom.codegen.qgraph import Mac

SCALABLE = "csd"
"""The family whose PEs have a quality."""


def family(kind: str) -> str:
    """What the configuration calls a kind of PE: shift, dsp, xnor, csd or constant."""
    return kind.rpartition("_")[2]


def serves(kind: str, mac: Mac) -> bool:
    """Whether a kind of PE has a quality where the layer has one, and none where it has none."""
    return (family(kind) == SCALABLE) == bool(mac.scalable)

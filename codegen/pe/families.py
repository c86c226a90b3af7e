"""Families of PEs, and which of them may build a layer."""

from __future__ import annotations

from shiftloom.codegen.qgraph import Mac

SCALABLE = "csd"
"""The family whose PEs have a quality."""
RELOADABLE = "shift"
"""The family whose codes and biases may be loaded at run time."""


def family(kind: str) -> str:
    """What the configuration calls a kind of PE: shift, dsp, xnor, csd or constant."""
    return kind.rpartition("_")[2]


def serves(kind: str, mac: Mac) -> bool:
    """Whether a kind of PE has a quality just where the layer has one, and loads what it must."""
    if mac.limit and family(kind) != RELOADABLE:
        return False
    return (family(kind) == SCALABLE) == bool(mac.scalable)


def wanted(mac: Mac) -> str:
    """The family that may build a layer, in words."""
    if mac.scalable:
        return f"{SCALABLE}, which has a quality"
    return f"{RELOADABLE}, which can be loaded" if mac.limit else f"any but {SCALABLE}"

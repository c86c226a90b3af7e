"""The shipped networks. To add one: one file that defines a `Network`, one line in `NETWORKS`."""

from __future__ import annotations

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.values import nearest
from shiftloom.models.lenet5 import LENET5
from shiftloom.models.network import Network

__all__ = ["NETWORKS", "Network", "get"]

NETWORKS: tuple[Network, ...] = (LENET5,)


def get(name: str) -> Network:
    """The network of that name; raises ShiftloomError with the nearest and all known names."""
    for network in NETWORKS:
        if network.name == name:
            return network
    known = [network.name for network in NETWORKS]
    raise ShiftloomError(f"network {name!r}", "is not known", nearest(name, known))

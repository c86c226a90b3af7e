"""Memories that are loaded at run time: their numbers on the load port, what the host must know."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from shiftloom.codegen.design import Design, Load, Rom
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.qgraph import Mac, QGraph, Requantize
from shiftloom.codegen.reloading import bias_range

PIECE_BITS = 32
"""A word comes in pieces of the register LOAD_DATA."""
MEMORY_BITS, WORD_BITS, PIECES_BITS = 8, 20, 12
"""Of the number of a memory, of a word in it, and of the pieces of a word."""
LOAD_BITS = 2 + MEMORY_BITS + WORD_BITS + PIECE_BITS
"""Of the load bus: valid, last, memory, word, data."""


@dataclass(frozen=True, slots=True)
class Loadable:
    """A memory of unit `instance`, number `index` on the load port; `node` is its integer node."""

    index: int
    instance: str
    node: str
    prefix: str
    rom: Rom
    load: Load

    @property
    def pieces(self) -> int:
        """Pieces of a word."""
        return -(-self.rom.width // PIECE_BITS)


def loadable(design: Design) -> tuple[Loadable, ...]:
    """The memories of a design that can be loaded, in the order of its units.

    Raises ShiftloomError naming a unit whose memory the load port cannot reach.
    """
    found: list[Loadable] = []
    for instance in design.instances:
        for port in instance.roms:
            if port.load is not None and isinstance(port.rom, Rom):
                place = len(found), instance.name, instance.node, port.prefix
                found.append(Loadable(*place, port.rom, port.load))
    for memory in found:
        _check(memory)
    return tuple(found)


def _check(memory: Loadable) -> None:
    limits = (
        ("memories that can be loaded", memory.index + 1, MEMORY_BITS, "give some layers"),
        ("words to load", memory.rom.depth, WORD_BITS, "use a larger folding, or"),
        ("pieces a word to load", memory.pieces, PIECES_BITS, "use a smaller folding, or"),
    )
    for what, count, bits, hint in limits:
        if count >= 1 << bits:
            problem = f"{count:,} {what}, the limit is {(1 << bits) - 1:,}"
            raise ShiftloomError(memory.instance, problem, f"{hint} weights: rom")


def host_entry(qgraph: QGraph, design: Design) -> dict[str, object]:
    """What a driver must know to load weights, by layer; empty where there is nothing to load."""
    layers: dict[str, dict[str, object]] = {}
    constants: dict[str, dict[str, object]] = {}
    nodes = {node.name: node for node in qgraph.nodes}
    for memory in loadable(design):
        node = nodes[memory.node]
        entry: dict[str, object] = {"index": memory.index, "words": memory.rom.depth}
        entry |= {k: v for k, v in asdict(memory.load).items() if k != "content"}
        if isinstance(node.unit, Requantize):
            constants[node.name] = {**entry, "shift": node.unit.requantization.shift}
            continue
        assert isinstance(node.unit, Mac)
        least, greatest = bias_range(qgraph, node)
        bounds = {"limit": node.unit.limit, "least_bias": least, "greatest_bias": greatest}
        layer = layers.setdefault(node.name, {"shape": node.unit.weights.data.shape, **bounds})
        layer[memory.load.content] = entry
    return {"load": {"layers": layers, "constants": constants}} if layers else {}

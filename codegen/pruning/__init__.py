"""The prune stage: weights set to 0, or channels removed, before anything is quantized.

A mechanism or criterion is one file. `prune` applies what the configuration says; `masks` and
`masked` carry a pattern of zeros through a training.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shiftloom.codegen.config import Config, PruningConfig
from shiftloom.codegen.errors import ShiftloomError, key_of
from shiftloom.codegen.fitted import Layer
from shiftloom.codegen.graph import Graph, check
from shiftloom.codegen.ops.fold import fold_affines
from shiftloom.codegen.pruning import block, magnitude, nm
from shiftloom.codegen.pruning.criteria import CRITERIA, scores
from shiftloom.codegen.pruning.groups import find
from shiftloom.codegen.pruning.selection import chosen
from shiftloom.codegen.pruning.shrink import shrunk
from shiftloom.codegen.pruning.zeros import layers, masked, masks
from shiftloom.codegen.values import Array, nearest

__all__ = ["masked", "masks", "prune"]


def prune(graph: Graph, config: Config) -> Graph:
    """The network with what `config.pruning` leaves of it; the same one for the method `none`.

    Affine maps are folded into their layers first: a filter is pruned with its normalization.
    Raises ShiftloomError naming the layer or the key at fault.
    """
    how = config.pruning
    if how.method == "none":
        return graph
    graph = fold_affines(check(graph))
    found = layers(graph)
    _check_keep(how.keep, found)
    if how.method in CRITERIA:
        groups = find(graph, how.keep)
        gone = chosen(graph, groups, scores(graph, groups, CRITERIA[how.method]), how)
        return shrunk(graph, groups, gone)
    free = {name: op for name, op in found.items() if name not in how.keep}
    if not free:
        raise ShiftloomError(
            graph.name, "has no layer to prune", "name fewer layers in pruning.keep"
        )
    _check_formats(free, config)
    return masked(graph, _stay(graph, free, how))


def _stay(graph: Graph, free: Mapping[str, Layer], how: PruningConfig) -> dict[str, Array]:
    """The masks of the weights that stay."""
    if how.method == "magnitude":
        return magnitude.masks(free, how.share, how.scope)
    if how.method == "block":
        return block.masks(graph, free, how.block, how.share, how.scope)
    nm.check(how.n, how.m)
    return {name: nm.mask(op, how.n, how.m) for name, op in free.items()}


def _check_keep(keep: Iterable[str], found: Iterable[str]) -> None:
    """Refuse names that are no layers with weights."""
    known = tuple(found)
    for name in keep:
        if name not in known:
            where = f"pruning.keep: {key_of(name)}"
            raise ShiftloomError(where, "no such layer", nearest(name, known))


def _check_formats(free: Mapping[str, Layer], config: Config) -> None:
    """Refuse zeros for layers whose number format has none."""
    for name, op in free.items():
        settings = config.layer(name)
        imported = op.given is not None and settings.format == "auto"
        if not imported and 0 not in settings.weight_format.levels:
            raise ShiftloomError(
                name,
                f"{settings.format} weights have no 0 for those that are pruned",
                "use another format, a method that removes channels, or name it in pruning.keep",
            )

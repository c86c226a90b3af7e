"""The frames of a package, and what its accelerator must make of them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from shiftloom.codegen import golden
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Frames
from shiftloom.codegen.qgraph import QGraph
from shiftloom.flow import Labels
from shiftloom.models import registry
from shiftloom.subject import Subject, part

FRAMES = 16
"""Frames of a package, unless more are asked for or fewer are there."""
SEED = 0
GIVEN = "those that were given"
"""Whence frames of a file are: its name is no part of a package."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Frames by input, golden integers by output, labels where there are any, in words whence."""

    inputs: Mapping[str, npt.NDArray[Any]]
    outputs: Mapping[str, npt.NDArray[Any]]
    labels: Labels | None
    origin: str

    @property
    def count(self) -> int:
        """How many frames there are."""
        return len(next(iter(self.inputs.values())))

    def files(self) -> dict[str, bytes]:
        """As files without pickled objects; tensors are numbered as in host/accelerator.json."""
        found: dict[str, bytes] = {}
        for kind, tensors in (("input", self.inputs), ("output", self.outputs)):
            for index, array in enumerate(tensors.values()):
                found[f"selftest/{kind}{index}.npy"] = _npy(array)
        if self.labels is not None:
            found["selftest/labels.npy"] = _npy(self.labels)
        return found


def samples(qgraph: QGraph, file: Path | None, data: Path | None, count: int = FRAMES) -> Samples:
    """The first `count` frames of `file`, or of the network's test set.

    Random ones where the network has no such set, or it is not at hand. Raises ShiftloomError for
    frames that do not fit.
    """
    frames, labels, origin = _frames(qgraph, file, data, count)
    frames = part(frames, 0, count)
    inputs = golden.check_inputs(qgraph, frames)
    outputs = golden.run_outputs(qgraph, frames)
    labels = None if labels is None else labels[:count]
    return Samples(
        {name: np.asarray(array, _dtype(qgraph, name)) for name, array in inputs.items()},
        outputs,
        labels,
        origin,
    )


def _frames(
    qgraph: QGraph, file: Path | None, data: Path | None, count: int
) -> tuple[Frames, Labels | None, str]:
    subject = Subject(registry.known(qgraph.name), data=data)
    if file is not None:
        return *subject.test(qgraph, file), GIVEN
    if subject.network is None:
        return _random(qgraph, count), None, "random"
    try:
        return *subject.test(qgraph, None), f"the test set of {subject.network}"
    except ShiftloomError:
        if data is not None:
            raise
        return _random(qgraph, count), None, "random"  # the data set is not at hand


def _random(qgraph: QGraph, count: int) -> dict[str, npt.NDArray[Any]]:
    """Integers over the whole range of every input."""
    rng = np.random.default_rng(SEED)
    found = {}
    for source in qgraph.inputs:
        limits = np.iinfo(_dtype(qgraph, source.name))
        shape = (count, *source.tensor.shape)
        found[source.name] = rng.integers(limits.min, limits.max, shape, endpoint=True)
    return found


def _dtype(qgraph: QGraph, name: str) -> np.dtype[Any]:
    """The type of an input's elements, which have 8 or 16 bits."""
    kind = qgraph.tensor(name).type
    return np.dtype(f"{'i' if kind.signed else 'u'}{kind.bits // 8}")


def _npy(array: npt.NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()

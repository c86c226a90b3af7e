"""What a command works on: a network of `models/`, or an ONNX file and frames of the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from shiftloom import flow
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Frames, Graph
from shiftloom.codegen.names import safe_identifier
from shiftloom.codegen.qgraph import QGraph
from shiftloom.codegen.values import Shape
from shiftloom.flow import Labels
from shiftloom.models import frames as frame_files
from shiftloom.models import registry


@dataclass(frozen=True, slots=True)
class Subject:
    """Exactly one of `network`, a name, and `model`, a file; `data` is the data folder."""

    network: str | None = None
    model: Path | None = None
    checkpoint: Path | None = None
    data: Path | None = None

    def graph(self) -> Graph:
        """The float graph; raises ShiftloomError unless exactly one network was named."""
        if self.network is not None and self.model is None:
            return flow.load_network(self.network, self.checkpoint, self.data)
        if self.model is None or self.network is not None:
            problem = "is missing" if self.model is None else f"and --model {self.model} were given"
            raise ShiftloomError("NETWORK", problem, "give a network's name or --model FILE")
        if self.checkpoint is not None:
            raise ShiftloomError("--checkpoint", "has no use with --model", "leave it out")
        return flow.from_file(self.model, safe_identifier(self.model.stem))

    def untuned_graph(self) -> Graph:
        """The float graph of a network that is not tuned; raises ShiftloomError for one that is."""
        if self.network is not None and self.tuned() is not None:
            raise ShiftloomError(
                f"network {self.network!r}",
                "was tuned with settings of its own",
                f"take {registry.base(self.network).name!r}",
            )
        return self.graph()

    def tuned(self) -> flow.Tuned | None:
        """Weights, ranges and settings from training, of a network that was tuned."""
        return None if self.network is None else flow.load_tuned(self.network)

    def calibration(self, graph: Graph, file: Path | None) -> Frames:
        """Calibration frames of `file`, or the network's own; none for a model without a file.

        A model that brings its activation quantizers needs none.
        """
        shapes = _shapes(graph)
        if file is not None:
            return _load(file, shapes)[0]
        if self.network is not None:
            return flow.calibration_frames(self.network, self.data)
        return {name: np.empty((0, *shape), dtype=np.uint8) for name, shape in shapes.items()}

    def labelled(self, graph: Graph, file: Path | None) -> tuple[Frames, Labels | None]:
        """The calibration frames, and their labels, classes of the graph, where there are any."""
        if file is not None:
            return _checked(str(file), _load(file, _shapes(graph)), graph)
        if self.network is not None:
            found = flow.calibration_set(self.network, self.data)
            return _checked(f"frames of {self.network!r}", found, graph)
        return self.calibration(graph, file), None

    def test(self, network: Graph | QGraph, file: Path | None) -> tuple[Frames, Labels | None]:
        """Test frames of `file`, or the network's own, and their labels where there are any.

        Raises ShiftloomError for frames that `network` does not take, and for labels that are none
        of its classes.
        """
        if file is not None:
            return _checked(str(file), _load(file, _shapes(network)), network)
        if self.network is None:
            raise ShiftloomError("--frames", "is missing", "give the test frames as .npz or .npy")
        found = flow.evaluation_set(self.network, self.data)
        return _checked(f"frames of {self.network!r}", found, network)


def _shapes(network: Graph | QGraph) -> dict[str, Shape]:
    """The shape of every input by name."""
    if isinstance(network, QGraph):
        return {source.name: source.tensor.shape for source in network.inputs}
    return {source.name: source.shape for source in network.inputs}


def count(frames: Frames) -> int:
    """How many frames there are."""
    return len(next(iter(frames.values())) if isinstance(frames, Mapping) else frames)


def part(frames: Frames, first: int, last: int | None) -> Frames:
    """The frames of [first, last), of every input."""
    if isinstance(frames, Mapping):
        return {name: x[first:last] for name, x in frames.items()}
    return frames[first:last]


def _checked(
    where: str, given: tuple[Frames, Labels | None], network: Graph | QGraph
) -> tuple[Frames, Labels | None]:
    frames, labels = given
    if labels is not None:
        frame_files.check_labels(where, labels, count(frames), flow.classes(network))
    return frames, labels


def _load(file: Path, shapes: Mapping[str, Shape]) -> tuple[Frames, Labels | None]:
    if len(shapes) > 1:
        return frame_files.load_inputs(file, shapes)
    return frame_files.load(file, *shapes.values())

"""What a command works on: a network of `models/`, or an ONNX file and frames of the user."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from shiftloom import flow
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Graph
from shiftloom.codegen.names import safe_identifier
from shiftloom.flow import Frames, Labels
from shiftloom.models import frames as frame_files


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
            raise ShiftloomError("NETWORK", problem, "give a network's name or --model FILE.onnx")
        if self.checkpoint is not None:
            raise ShiftloomError("--checkpoint", "has no use with --model", "leave it out")
        return flow.from_onnx(self.model, safe_identifier(self.model.stem))

    def calibration(self, graph: Graph, file: Path | None) -> Frames:
        """Calibration frames of `file`, or the network's own; none for a model without a file.

        A model that brings its activation quantizers needs none.
        """
        shape = graph.inputs[0].shape
        if file is not None:
            return frame_files.load(file, shape)[0]
        if self.network is not None:
            return flow.calibration_frames(self.network, self.data)
        return np.empty((0, *shape), dtype=np.uint8)

    def test(self, shape: tuple[int, int, int], file: Path | None) -> tuple[Frames, Labels | None]:
        """Test frames of `file`, or the network's own, and their labels where there are any."""
        if file is not None:
            return frame_files.load(file, shape)
        if self.network is None:
            raise ShiftloomError("--frames", "is missing", "give the test frames as .npz or .npy")
        return flow.evaluation_set(self.network, self.data)

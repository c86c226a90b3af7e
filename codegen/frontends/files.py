"""Models in files, by their suffix: which front end reads which."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from shiftloom.codegen.frontends.onnx import Finding, from_onnx, survey
from shiftloom.codegen.frontends.tflite import from_tflite, survey_tflite
from shiftloom.codegen.graph import Graph, GraphInput

_TFLITE = ".tflite"


def from_file(
    path: Path, name: str | None = None, inputs: Mapping[str, GraphInput] | None = None
) -> Graph:
    """The model of a .tflite file, or of an ONNX or QONNX file of any other name.

    `inputs` says by name what raw integers mean; without it they are those of the model's own input
    quantizer, or bytes. Raises ShiftloomError naming the file or the node.
    """
    reader = from_tflite if path.suffix.lower() == _TFLITE else from_onnx
    return reader(path, name, inputs)


def survey_file(path: Path) -> list[Finding]:
    """All that keeps the model in `path` from being built; raises if it is no model at all."""
    return survey_tflite(path) if path.suffix.lower() == _TFLITE else survey(path)

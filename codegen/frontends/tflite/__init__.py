"""TFLite front end: a file is translated into a Q/DQ ONNX model, which the ONNX importer reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from shiftloom.codegen.frontends.onnx import Finding, import_model, survey_model
from shiftloom.codegen.frontends.tflite.load import load
from shiftloom.codegen.frontends.tflite.translate import translate
from shiftloom.codegen.graph import Graph, GraphInput

__all__ = ["from_tflite", "load", "survey_tflite", "translate"]


def from_tflite(
    path: Path, name: str | None = None, inputs: Mapping[str, GraphInput] | None = None
) -> Graph:
    """Import the model in `path`; raises ShiftloomError naming the file or the node.

    Its quantizers are read as real numbers over exact scales, rounded half to even, as ONNX
    defines them; the kernels of TFLite round a few ties another way. Inputs as in `from_onnx`.
    """
    return import_model(translate(load(path)), name or path.stem, inputs).graph


def survey_tflite(path: Path) -> list[Finding]:
    """All that keeps the model in `path` from being built; raises if it is no model at all."""
    return survey_model(translate(load(path)), path.stem)

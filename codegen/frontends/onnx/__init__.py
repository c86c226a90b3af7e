"""ONNX front end: float, Q/DQ, QLinear and QONNX models, and what keeps one from being built."""

from shiftloom.codegen.frontends.onnx.importer import from_onnx, import_model
from shiftloom.codegen.frontends.onnx.survey import Finding, survey, survey_model

__all__ = ["Finding", "from_onnx", "import_model", "survey", "survey_model"]

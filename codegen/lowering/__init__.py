"""Lowering: operators append integer units to a builder, in the network's order."""

from shiftloom.codegen.lowering.builder import IntegerBuilder
from shiftloom.codegen.lowering.operand import Operand
from shiftloom.codegen.lowering.settings import LayerSettings

__all__ = ["IntegerBuilder", "LayerSettings", "Operand"]

"""Weight number formats, one file each: range, codes, exact value, storage."""

from shiftloom.codegen.formats.binary import Binary
from shiftloom.codegen.formats.csd import Csd
from shiftloom.codegen.formats.format import Format
from shiftloom.codegen.formats.given import Given
from shiftloom.codegen.formats.integer import Int
from shiftloom.codegen.formats.pow2 import Pow2
from shiftloom.codegen.formats.qsq import Qsq
from shiftloom.codegen.formats.ternary import Ternary

FORMATS: tuple[type[Format], ...] = (Qsq, Int, Pow2, Csd, Ternary, Binary, Given)

__all__ = ["FORMATS", "Binary", "Csd", "Format", "Given", "Int", "Pow2", "Qsq", "Ternary"]

"""Weight number formats, one file each: range, codes, exact value, storage."""

from shiftloom.codegen.formats.qsq import Qsq

FORMATS = (Qsq,)

__all__ = ["FORMATS", "Qsq"]

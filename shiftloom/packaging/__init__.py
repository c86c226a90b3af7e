"""From a build folder to a board: one archive with all that it needs, and its way there."""

from shiftloom.packaging.content import Package, package

__all__ = ["Package", "package"]

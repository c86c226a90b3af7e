"""From a build folder to a board: one archive with all that it needs, and its way there."""

from shiftloom.packaging.content import Package, package
from shiftloom.packaging.deploy import Deployed, deploy
from shiftloom.packaging.remote import Remote

__all__ = ["Deployed", "Package", "Remote", "deploy", "package"]

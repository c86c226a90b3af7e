"""x"""

from __future__ import annotations

from collections.abc import Iterator

from shiftloom.codegen.boards import Board
from shiftloom.codegen.config import Config
from shiftloom.codegen.dataflows.engine.candidate import Candidate
from shiftloom.codegen.dataflows.engine.parts import Found


def candidates(part: Found, config: Config, board: Board) -> Iterator[Candidate]:
    yield from ()

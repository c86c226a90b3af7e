"""Refusals are compared whole: a message that changes or loses its hint fails its test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from shiftloom.codegen.errors import ShiftloomError


@contextmanager
def refuses(message: str) -> Iterator[None]:
    """The block raises ShiftloomError with exactly `message`."""
    with pytest.raises(ShiftloomError) as caught:
        yield
    assert str(caught.value) == message

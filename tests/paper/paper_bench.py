"""Small benches of the paper's experiments."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shiftloom.paper.bench import Advance


@contextmanager
def quiet(label: str) -> Iterator[Advance]:
    """A progress bar that shows nothing, and insists on a name and on counting up to all."""
    assert label
    seen = []
    yield lambda done, total: seen.append((done, total))
    assert seen
    assert [done for done, _ in seen] == list(range(1, seen[-1][1] + 1))

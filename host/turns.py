"""Threads that share a board take turns, in the order in which they have come."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from shiftloom.host.errors import AcceleratorError


class Turns:
    """One thread at a time, and none twice while another one waits."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._threads: deque[int] = deque()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until it is this thread's turn, which the block is.

        Raises AcceleratorError within a turn of the same thread, as a signal handler may be.
        """
        thread = threading.get_ident()
        with self._changed:
            if thread in self._threads:
                hint = "use it from another thread, not from a signal handler"
                raise AcceleratorError(f"this thread is at an access to the board already; {hint}")
            self._threads.append(thread)
        try:
            with self._changed:
                self._changed.wait_for(lambda: self._threads[0] == thread)
            yield
        finally:
            with self._changed:
                self._threads.remove(thread)
                self._changed.notify_all()

    @property
    def wanted(self) -> bool:
        """Whether somebody waits for the turn of another one."""
        return len(self._threads) > 1

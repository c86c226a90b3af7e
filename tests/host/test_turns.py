"""Threads that share a board: each comes when its turn is."""

from __future__ import annotations

import threading

import pytest
from serial_designs import when

from shiftloom.host.errors import AcceleratorError
from shiftloom.host.turns import Turns


def test_who_waits_comes_before_who_comes_again() -> None:
    turns, order = Turns(), list[str]()

    def other() -> None:
        with turns.turn():
            order.append("other")

    thread = threading.Thread(target=other)
    with turns.turn():
        assert not turns.wanted
        thread.start()
        when(lambda: turns.wanted)
        order.append("first")
    with turns.turn():
        order.append("again")
    thread.join()
    assert order == ["first", "other", "again"]


def test_an_access_within_an_access_does_not_wait_for_itself() -> None:
    turns = Turns()
    with turns.turn():
        with pytest.raises(AcceleratorError) as caught, turns.turn():
            pass
        assert str(caught.value) == (
            "this thread is at an access to the board already; "
            "use it from another thread, not from a signal handler"
        )
    with turns.turn():
        assert not turns.wanted

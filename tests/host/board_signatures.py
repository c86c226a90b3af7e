"""The stand-in is called as pynq is. Runs where pynq is installed: `make board`."""

from __future__ import annotations

import inspect
from typing import Any

import pynq
import pynq.buffer
import pynq.lib.dma
import pynq_standin as standin
import pytest
from signatures import CLASSES, FUNCTIONS, VARIABLES, differences, shape


def of_pynq(name: str) -> Any:
    places = (pynq, pynq.buffer, pynq.lib.dma)
    return next(getattr(place, name) for place in places if hasattr(place, name))


@pytest.mark.parametrize("name", CLASSES)
def test_classes_are_those_of_pynq(name: str) -> None:
    assert list(differences(of_pynq(name), getattr(standin, name), CLASSES[name])) == []
    source = inspect.getsource(of_pynq(name))
    assert [each for each in VARIABLES.get(name, ()) if f"self.{each} = " not in source] == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_those_of_pynq(name: str) -> None:
    assert shape(of_pynq(name)) == shape(getattr(standin, name))


def test_a_clock_is_set_as_pynq_does() -> None:
    ours, theirs = (type(kind).fclk0_mhz for kind in (standin.Clocks, pynq.Clocks))
    assert isinstance(theirs, property)
    assert shape(ours.fset) == shape(theirs.fset)

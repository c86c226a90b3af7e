"""Loops over single weights, compiled with numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """The function compiled when it is first called; the result is kept on the disk."""
    result: Function = numba.njit(cache=True)(function)
    return result

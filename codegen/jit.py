"""Loops compiled with numba."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def entry(function: Function, is_kept: bool = True, **options: Any) -> Function:
    """`function` compiled at its first call from Python; `options` are numba's.

    Where it `is_kept`, its machine code stays on the disk for later processes, if a folder for it
    can be written. Numba knows it there by its own code, not by that of functions it calls.
    """
    if is_kept:
        with suppress(RuntimeError):
            kept: Function = numba.njit(cache=True, **options)(function)
            return kept
    result: Function = numba.njit(**options)(function)
    return result

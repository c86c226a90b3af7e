"""Puts the simulated board behind pynq, for programs and notebooks that know nothing of it.

As `sitecustomize.py` of an environment it is run by each start of its Python, and waits there for
pynq to be imported. Where the driver is not at hand nothing happens. Standard library only.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

_AWAITED = "pynq"


class Hook:
    """Finds pynq once, and attaches the board when that has been loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The specification of pynq, whose loader goes on to the board; of others, none."""
        if name != _AWAITED:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            load(module)
            with contextlib.suppress(ModuleNotFoundError):
                import shiftloom.host.simulated  # noqa: F401

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


if __name__ == "sitecustomize":
    sys.meta_path.insert(0, Hook())

"""The driver as a wheel of its own: `shiftloom.host` without the compiler.

A board has NumPy and pynq, and no use for the rest of Shiftloom, whose `shiftloom/__init__.py`
leads to the compiler. The wheel brings a `shiftloom/__init__.py` that holds nothing, so that code
imports `shiftloom.host` by the same name on the board and here. Whoever has the whole package has
`shiftloom.host` already and does not install the wheel beside it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib import resources

from shiftloom.codegen.build import VERSION
from shiftloom.packaging.archive import zipped

DISTRIBUTION = "shiftloom_host"
NAME = f"{DISTRIBUTION}-{VERSION}-py3-none-any.whl"
_INFO = f"{DISTRIBUTION}-{VERSION}.dist-info"
_INIT = b'"""What runs on the board: `shiftloom.host`. The compiler is the package shiftloom."""\n'
_METADATA = f"""\
Metadata-Version: 2.4
Name: shiftloom-host
Version: {VERSION}
Summary: Driver of Shiftloom accelerators for the board
License-Expression: Apache-2.0
Requires-Python: >=3.10
Requires-Dist: numpy (>=1.21)
"""
_WHEEL = "Wheel-Version: 1.0\nGenerator: shiftloom\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def driver_wheel() -> bytes:
    """The wheel, from the modules of the installed `shiftloom.host`; deterministic."""
    files = {"shiftloom/__init__.py": _INIT, "shiftloom/py.typed": b"", **_modules()}
    files |= {f"{_INFO}/METADATA": _METADATA.encode(), f"{_INFO}/WHEEL": _WHEEL.encode()}
    return zipped({**files, f"{_INFO}/RECORD": _record(files)})


def _modules() -> dict[str, bytes]:
    folder = resources.files("shiftloom.host")
    found = (file for file in folder.iterdir() if file.name.endswith(".py"))
    return {f"shiftloom/host/{file.name}": file.read_bytes() for file in found}


def _record(files: Mapping[str, bytes]) -> bytes:
    """Path, SHA-256 and size of every file; the record itself has neither."""
    rows = []
    for name in sorted(files):
        digest = base64.urlsafe_b64encode(hashlib.sha256(files[name]).digest()).rstrip(b"=")
        rows.append(f"{name},sha256={digest.decode()},{len(files[name])}\n")
    return "".join([*rows, f"{_INFO}/RECORD,,\n"]).encode()

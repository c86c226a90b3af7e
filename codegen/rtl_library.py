"""The library modules of the RTL, verbatim."""

from __future__ import annotations

import re
from importlib import resources

_MODULE = re.compile(r"^\s*(sl_[a-z0-9_]+)\s*(?:#\s*\(|[a-z_]\w*\s*\()", re.MULTILINE)


def library(roots: set[str]) -> dict[str, str]:
    """Library modules by file name: the `roots` and all that those instantiate."""
    folder = resources.files("shiftloom.templates") / "rtl" / "lib"
    files: dict[str, str] = {}
    pending = sorted(roots)
    while pending:
        module = pending.pop()
        name = f"{module}.sv"
        if name in files:
            continue
        files[name] = (folder / name).read_text("utf-8")
        pending.extend(m for m in _MODULE.findall(files[name]) if f"{m}.sv" not in files)
    return files

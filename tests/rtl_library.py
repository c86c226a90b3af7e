"""The RTL library as tests take it: its files by name, and files with a fault planted in one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIB = ROOT / "templates" / "rtl" / "lib"


def modules(*names: str) -> list[Path]:
    """The files of library modules, in this order."""
    return [LIB / f"{name}.sv" for name in names]


def planted(folder: Path, files: Iterable[Path], module: str, old: str, new: str) -> list[Path]:
    """Copies of `files` in `folder`, that of `module` with `new` in the place of its one `old`."""
    copies = []
    for file in files:
        text = file.read_text("utf-8")
        if file.stem == module:
            assert text.count(old) == 1, f"{file.name} holds {text.count(old)} times {old!r}"
            text = text.replace(old, new)
        copies.append(folder / file.name)
        copies[-1].write_text(text, "utf-8")
    assert module in {file.stem for file in copies}
    return copies

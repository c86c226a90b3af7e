"""What the driver makes of the files of an overlay, and of a pynq that has no device."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from driver_designs import bench
from overlay_files import HWH, bit

from shiftloom.host import board
from shiftloom.host.errors import AcceleratorError, DesignError

AGAIN = "put the files there that were made of this build"


def _without(path: Path) -> None:
    path.with_suffix(".hwh").unlink()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: path.write_bytes(bit()[:-9]), "holds 91 bytes of configuration"),
        (lambda path: path.write_bytes(b""), "begins with b''"),
        (
            lambda path: path.write_bytes(bit("7z010clg400")),
            "is for the part '7z010clg400', the board has xc7z020clg400-1",
        ),
        (lambda path: path.with_suffix(".hwh").write_bytes(HWH[:-9]), "tiny.hwh: "),
        (lambda path: path.with_suffix(".hwh").write_bytes(b"<a/>"), "tiny.hwh: lists no cores"),
        (_without, "tiny.hwh: cannot be read: No such file or directory"),
    ],
)
def test_files_that_are_no_overlay_of_the_build_are_refused(
    change: Callable[[Path], object], message: str, tmp_path: Path, monkeypatch: Any
) -> None:
    made = bench(tmp_path, monkeypatch, "mm")
    change(made.folder / "overlay/tiny.bit")
    with pytest.raises(DesignError) as caught:
        made.open()
    assert message in str(caught.value)
    assert str(caught.value).endswith(f"; {AGAIN}")


SUPERUSER = "on a board, run this as the superuser with the Python of its pynq"
EXPORT = "export it and the bitstream again, from the block design of the build"


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (
            RuntimeError("no board"),
            AcceleratorError,
            f"tiny.bit: pynq says: no board; {SUPERUSER}",
        ),
        (OSError("no rights"), AcceleratorError, f"tiny.bit: pynq says: no rights; {SUPERUSER}"),
        (
            AttributeError("no 'iter'"),
            DesignError,
            f"""tiny.hwh: pynq does not understand it (AttributeError("no 'iter'")); {EXPORT}""",
        ),
    ],
)
def test_what_pynq_raises_is_told(
    error: Exception, kind: type[Exception], message: str, tmp_path: Path, monkeypatch: Any
) -> None:
    made = bench(tmp_path, monkeypatch, "mm")

    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(made.pynq, "Overlay", refuse)
    with pytest.raises(AcceleratorError) as caught:
        made.open()
    assert (type(caught.value), str(caught.value)) == (kind, message)


@pytest.mark.parametrize("there", [True, False])
def test_pynq_is_told_of_a_board_that_no_login_has_set_up(
    there: bool, tmp_path: Path, monkeypatch: Any
) -> None:
    made = bench(tmp_path, monkeypatch, "mm")
    monkeypatch.delenv("XILINX_XRT", raising=False)
    monkeypatch.setattr(board, "_FPGA_MANAGER", tmp_path if there else tmp_path / "none")
    with made.open():
        assert os.environ.get("XILINX_XRT") == ("/usr" if there else None)

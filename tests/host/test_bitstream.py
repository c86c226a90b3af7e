"""Overlays that are cut short, damaged, or for another part are refused; whole ones are read."""

from __future__ import annotations

from pathlib import Path

import pytest
from overlay_files import HWH, bit

from shiftloom.codegen import boards
from shiftloom.host import bitstream
from shiftloom.host.bitstream import BitstreamError

CUT = "is missing: the file is cut short or damaged"


def test_header_of_a_whole_file_is_read() -> None:
    found = bitstream.parse(bit())
    assert found == (
        "top;UserID=0XFFFFFFFF;Version=2024.1",
        "7z020clg400",
        "2026/11/30",
        "1:2:3",
        100,
    )


DAMAGES = {
    "text": (b"GIF89a", "begins with b'GIF89a': no .bit file of AMD's tools"),
    "empty": (b"", "begins with b'': no .bit file of AMD's tools"),
    "key": (bit().replace(b"a\0", b"x\0", 1), f"field a of its header {CUT}"),
    "in a text": (bit()[:40], f"field a of its header {CUT}"),
    "before the part": (bit()[:53], f"field b of its header {CUT}"),
    "before the length": (bit()[:-102], f"field e of its header {CUT}"),
    "open text": (
        bit().replace(b"400\0", b"4000"),
        "field b of its header is not ended by a zero byte",
    ),
    "cut": (bit()[:-1], "holds 99 bytes of configuration, its header says 100"),
    "longer": (bit() + b"x", "holds 101 bytes of configuration, its header says 100"),
    "zeros": (
        bit().replace(bitstream.SYNC, bytes(4)),
        "has no sync word in its first 4096 bytes",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_bitstream_is_refused(damage: str) -> None:
    data, message = DAMAGES[damage]
    with pytest.raises(BitstreamError) as caught:
        bitstream.parse(data)
    assert str(caught.value) == message


def test_every_cut_is_refused() -> None:
    whole = bit()
    for length in range(len(whole)):
        with pytest.raises(BitstreamError):
            bitstream.parse(whole[:length])


def test_parts_are_compared_without_grades() -> None:
    same = [("7z020clg400", "xc7z020clg400-1"), ("xczu3eg-sbva484-1-e", "xczu3eg-sbva484-1-i")]
    for found, expected in [*same, ("xck26-sfvc784-2lv-c", "xck26-sfvc784-2LV-c")]:
        bitstream.check_part(found, expected)
    others = [("7z010clg400", "xc7z020clg400-1"), ("7z020clg484", "xc7z020clg400-1")]
    for found, expected in [*others, ("xczu3eg-sfvc784-1-i", "xczu3eg-sbva484-1-i")]:
        with pytest.raises(BitstreamError) as caught:
            bitstream.check_part(found, expected)
        assert str(caught.value) == f"is for the part {found!r}, the board has {expected}"


def test_part_of_a_header_is_shown_without_control_characters(tmp_path: Path) -> None:
    one, other = tmp_path / "a.bit", tmp_path / "a.hwh"
    one.write_bytes(bit("\x1b[2J\n" + 100 * "7"))
    other.write_bytes(HWH)
    told = _refused(one, other)
    assert told.isprintable()
    assert told.startswith(r"a.bit: is for the part '\x1b[2J\n777")
    assert told.endswith("777..., the board has xc7z020clg400-1")


def test_every_board_of_amd_has_a_device_of_its_own_form() -> None:
    parts = [boards.get(name).part for name in boards.known() if boards.get(name).family != "ecp5"]
    assert {bitstream.device(part) for part in parts} == {
        *("7a100tcsg324", "7z020clg400", "7z020clg484", "k26-sfvc784"),
        *("zu3eg-sbva484", "zu3eg-sfvc784", "zu7ev-ffvc1156"),
    }
    assert bitstream.device("LFE5U-85F-6BG756C") == "lfe5u-85f-6bg756c"


NO_CORES = "lists no cores: it is no .hwh of a block design"
BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (BOMB, "declares a document type, which a .hwh has not"),
        (HWH[:-5], "is no well-formed XML: unclosed token: line 2, column 86"),
        (b"", "is no well-formed XML: no element found: line 1, column 0"),
        (b"<a/>", NO_CORES),
        (b"<EDKSYSTEM><MODULES/></EDKSYSTEM>", NO_CORES),
        (b'<x><MODULES><PORTS><MODULE FULLNAME="/accelerator"/></PORTS></MODULES></x>', NO_CORES),
        (
            HWH.replace(b"/accelerator", b"/ps&#10;").replace(b"<MODULE F", b"<MODULE/><MODULE F"),
            r"has no core '/accelerator', but ', /ps\n'; give the core this name",
        ),
        (
            HWH.replace(b"/accelerator", 99 * b"/accelerator"),
            f"has no core '/accelerator', but '{(5 * '/accelerator')[:59]}...; "
            "give the core this name",
        ),
    ],
)
def test_hwh_of_no_plain_xml_or_no_accelerator_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(BitstreamError) as caught:
        bitstream.check_hwh(data)
    assert str(caught.value) == message


def test_files_are_checked_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = tmp_path / "a.bit", tmp_path / "a.hwh"
    one.write_bytes(bit())
    assert _refused(one, other) == "a.hwh: cannot be read: No such file or directory"
    other.write_bytes(HWH)
    assert bitstream.check_files(one, other, "xc7z020clg400-1").size == 100
    one.write_bytes(bit()[:-1])
    assert _refused(one, other) == "a.bit: holds 99 bytes of configuration, its header says 100"
    one.write_bytes(bit("7z010clg400"))
    wrong = "a.bit: is for the part '7z010clg400', the board has xc7z020clg400-1"
    assert _refused(one, other) == wrong
    monkeypatch.setattr(bitstream, "MAX_BIT", 100)
    assert _refused(one, other) == "a.bit: is larger than 100 bytes"


def _refused(one: Path, other: Path) -> str:
    with pytest.raises(BitstreamError) as caught:
        bitstream.check_files(one, other, "xc7z020clg400-1")
    return str(caught.value)

"""Bitstreams and .hwh files as the vendor's tools write them, small and without a design."""

from __future__ import annotations

from shiftloom.host.bitstream import PREAMBLE, SYNC

HWH = b"""<?xml version="1.0" encoding="UTF-8" standalone="no" ?>
<EDKSYSTEM><MODULES><MODULE FULLNAME="/accelerator" INSTANCE="accelerator"/></MODULES></EDKSYSTEM>
"""


def bit(part: str = "7z020clg400", words: bytes = bytes(64)) -> bytes:
    """A whole .bit file for a part."""
    texts = {
        "a": "top;UserID=0XFFFFFFFF;Version=2024.1",
        "b": part,
        "c": "2026/11/30",
        "d": "1:2:3",
    }
    header = b"".join(
        key.encode() + (len(text) + 1).to_bytes(2, "big") + text.encode() + b"\0"
        for key, text in texts.items()
    )
    body = b"\xff" * 32 + SYNC + words
    return PREAMBLE + header + b"e" + len(body).to_bytes(4, "big") + body

"""Identifiers: what reaches HDL, C++ and Tcl is lower-case, short and no reserved word."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refuses

from shiftloom.codegen.names import (
    MAX_LENGTH,
    MAX_NODE_LENGTH,
    RESERVED,
    UniqueNames,
    check_identifier,
    is_keyword,
    is_reserved,
    safe_identifier,
)

HINT = f"use lower-case letters, digits and _, starting with a letter, at most {MAX_LENGTH}"
INJECTIONS = (
    "a;b",
    "a\n",
    "\na",
    "a b",
    'a"b',
    "a`b",
    "a$b",
    "$finish",
    "a[0]",
    "a{0}",
    "a\\",
    "a/*",
    "a//b",
    "../a",
    "a.b",
    "`include",
    "[exec ls]",
    "",
    "1a",
    "_a",
    "A",
    "é",
    "a\0",
    "а",  # a Cyrillic letter that looks Latin
    "a" * (MAX_LENGTH + 1),
)


@pytest.mark.parametrize("name", INJECTIONS)
def test_no_injection_is_an_identifier(name: str) -> None:
    with refuses(f"node: the name {name[:64]!r} cannot be used in HDL; {HINT}"):
        check_identifier(name, "node")


def test_reserved_words_are_refused_and_made_safe() -> None:
    for name in sorted(RESERVED):
        with refuses(f"node: the name {name!r} is a reserved word; rename it"):
            check_identifier(name, "node")
        assert safe_identifier(name) == f"n_{name}"


@pytest.mark.parametrize("name", ["sl_fifo", "batch", "testbench"])
def test_no_design_is_named_like_a_file_of_the_library(name: str) -> None:
    assert safe_identifier(name) == f"n_{name}"


@pytest.mark.parametrize("name", ["s_axis", "m_axis", "memory0", "quality12"])
def test_no_stream_is_named_like_a_port_of_the_accelerator(name: str) -> None:
    with refuses(f"node: the name {name!r} is a reserved word; rename it"):
        check_identifier(name, "node")
    assert safe_identifier(name) == f"n_{name}"
    assert check_identifier(name, "node", is_keyword) == name
    assert safe_identifier(f"{name}_1") == f"{name}_1"


def test_a_keyword_names_nothing_at_all() -> None:
    with refuses("node: the name 'wire' is a reserved word; rename it"):
        check_identifier("wire", "node", is_keyword)


def test_the_words_of_every_language_are_reserved() -> None:
    words = ("module", "logic", "wire", "always_ff", "class", "template", "int", "proc", "exec")
    assert RESERVED.issuperset(words)


@pytest.mark.parametrize("name", ["a", "conv1", "a_b_2", "a" * MAX_LENGTH])
def test_identifiers_pass_unchanged(name: str) -> None:
    assert check_identifier(name, "node") == name


@given(st.text(max_size=30))
def test_any_text_becomes_an_identifier(name: str) -> None:
    safe = safe_identifier(name)
    assert re.fullmatch(r"[a-z][a-z0-9_]*", safe)
    assert not is_reserved(safe)
    assert safe_identifier(safe) == safe


def test_the_name_of_the_input_is_kept_free() -> None:
    assert safe_identifier("Input") == "n_input"


def test_a_long_name_is_refused_with_its_length() -> None:
    long = "Layer." * 40
    with refuses(f"{long[:64]}: a name of 240 characters; use at most {MAX_NODE_LENGTH}"):
        safe_identifier(long)


def test_unique_names_are_numbered_and_cut_from_the_left() -> None:
    names = UniqueNames("taken")
    assert [names.claim(name) for name in ("a", "A", "a", "taken", "input", "")] == [
        *("a", "a_1", "a_2", "taken_1", "n_input", "n")
    ]
    long = names.claim("scope/" * 20 + "conv_1")
    assert long.endswith("scope_conv_1")
    assert len(long) <= MAX_NODE_LENGTH
    again = names.claim("scope/" * 20 + "conv_1")
    assert again != long
    assert len(again) <= MAX_NODE_LENGTH

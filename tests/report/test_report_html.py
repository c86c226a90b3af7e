"""The HTML report: its content, hostile names, no loads, the same bytes every time."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from report_data import LAYERS, UNITS, sample

from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.report import LayerRow, ReportData, render_html

HOSTILE = '</style></title><script>alert(1)</script><img src=x onerror="a">\'&@{ 7*7 }@'


class _Parsed(HTMLParser):
    """Text, tags and attributes of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data

    def dangers(self) -> list[str]:
        """What runs code or loads anything."""
        tags = {"script", "img", "iframe", "object", "embed", "link", "base", "foreignobject"}
        found = sorted(tags & self.tags.keys())
        for name, value in self.attributes:
            target = name in ("href", "xlink:href", "action") and not value.startswith("#")
            url = "url(" in value or value.strip().lower().startswith("javascript:")
            if name.startswith("on") or name in ("src", "srcset", "data") or target or url:
                found.append(f"{name}={value}")
        return found


@pytest.fixture(scope="module")
def html() -> str:
    return render_html(sample())


def test_report_shows_everything(html: str) -> None:
    text = _Parsed(html).text
    words = [*LAYERS, "Conv2d", "28 × 28 × 6", "47,040 weights of 3 bits", "makes uint8"]
    words += [*UNITS, "PE 6 × SIMD 25", "784 clocks", "98.0 %", "3,300", "3,456", "6 × int15"]
    words += ["90 bit", "sets the pace", "A small network", "tiny", "at 125 MHz", "Clocks a frame"]
    words += ["of 1,000", "99.11 %", "98.77 %", "9,999", "150 weights", "31.4 dB", "exact"]
    words += ["1.250 %", "−90 … 7", "relu1_fifo", "272", "for x in 0..27:", "No place and route."]
    words += ["interval, 800 clocks", "Shiftloom 0.1.0", "xc7z020clg400-1"]
    assert [word for word in words if word not in text] == []


def test_report_sums_luts_of_synthesized_units_only(html: str) -> None:
    assert (
        "All units: 4,944 LUTs predicted. Synthesis finds 3,851, predicted −3.7 % "
        "(in the 2 units synthesized)." in _Parsed(html).text
    )


def test_charts_say_what_they_show(html: str) -> None:
    labels = [value for name, value in _Parsed(html).attributes if name == "aria-label"]
    assert "Where the clocks go: conv1_window 784; conv1_matrix 784; fc1_matrix 600" in labels
    assert "conv1: −1: 16.7 %, 0: 33.3 %, +1: 50.0 %" in labels
    assert any("LUTs: 3456" in label and "series: synthesized" in label for label in labels)
    assert sum(html.count(f"<svg{end}") for end in (" ", ">")) == 4


def test_dashed_line_stands_at_the_interval(html: str) -> None:
    rules = [value for _, value in _Parsed(html).attributes if value == "at: 800"]
    assert len(rules) == 1
    other = _Parsed(render_html(replace(sample(), interval=777)))
    assert ("aria-label", "at: 777") in other.attributes


def test_hostile_names_stay_text() -> None:
    page = _Parsed(render_html(sample(HOSTILE)))
    assert page.dangers() == []
    for row in ("tiny", "conv1_matrix", "RTL", "relu1_fifo", "for y in 0..27:", "800", "uint8"):
        assert HOSTILE + row in page.text
    plain = _Parsed(render_html(sample()))
    assert page.tags == plain.tags


def test_dangers_are_seen() -> None:
    """The check above can fail."""
    for bad in ("<script>", "<a href='https://x'>", "<p onclick='x'>", "<p style='a:url(b)'>"):
        assert _Parsed(bad).dangers()
    assert _Parsed(HOSTILE).dangers()


def test_control_and_direction_characters_are_replaced() -> None:
    html = render_html(sample("\x1b[31m\u202e\0"))
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert "\ufffd[31m\ufffd\ufffdconv1_matrix" in _Parsed(html).text


def test_report_loads_nothing(html: str) -> None:
    page = _Parsed(html)
    assert page.dangers() == []
    assert "default-src 'none'; style-src 'unsafe-inline'" in html
    assert "url(" not in html
    assert "@import" not in html
    addresses = set(re.findall(r"\w+://[^\s\"'<>]+", html))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_ids_are_unique_and_anchors_lead_somewhere(html: str) -> None:
    attributes = _Parsed(html).attributes
    ids = Counter(value for name, value in attributes if name == "id")
    assert max(ids.values()) == 1
    anchors = {value[1:] for name, value in attributes if name == "href"}
    labels = {value for name, value in attributes if name == "aria-labelledby"}
    assert anchors | labels <= ids.keys()
    assert len(anchors) == 9


@pytest.mark.parametrize("seed", ["0", "1"])
def test_same_rows_same_bytes(html: str, seed: str) -> None:
    code = (
        "import hashlib; from report_data import sample; "
        "from shiftloom.codegen.report import render_html; "
        "print(hashlib.sha256(render_html(sample()).encode()).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == hashlib.sha256(html.encode()).hexdigest()
    assert render_html(sample()) == html


def test_empty_sections_are_left_out() -> None:
    empty = ReportData("Nothing yet", "tiny", "PYNQ", "xc7", 100.0, 1)
    page = _Parsed(render_html(empty))
    assert page.tags["section"] == page.tags["svg"] == page.tags["table"] == 0
    assert [value for name, value in page.attributes if name == "href"] == ["#main"]


def test_layers_without_units_join_the_stage_before() -> None:
    data = sample()
    first = LayerRow("scale0", "Mul", (28, 28, 1), 0, 0, "")
    html = render_html(replace(data, layers=(first, *data.layers)))
    stages = html.split('<li class="stage">')[1:]
    heads = [re.findall(r'<div class="layer"><strong>(\w+)', stage) for stage in stages]
    assert heads == [["scale0"], ["conv1", "relu1"], ["fc1"]]
    assert "no unit of its own" in stages[0]
    assert "no unit of its own" not in stages[1]


def test_units_of_an_unknown_layer_are_shown() -> None:
    data = sample()
    html = render_html(replace(data, layers=data.layers[2:]))
    stages = html.split('<li class="stage">')[1:]
    assert [re.findall(r"<strong>(\w+)</strong>", stage)[0] for stage in stages] == ["conv1", "fc1"]


def test_charts_of_many_units_show_the_largest() -> None:
    data = sample()
    many = tuple(
        replace(data.units[0], name=f"u{i}", cycles=100 + i % 50, lut=i) for i in range(100)
    )
    page = _Parsed(render_html(replace(data, units=many)))
    assert "84 smaller units are in the table below." in page.text
    assert "88 smaller units are in the table below." in page.text
    summary = next(v for _, v in page.attributes if v.startswith("Where the clocks go"))
    shown = re.findall(r"u\d+", summary)
    assert shown == [f"u{i}" for i in (*range(42, 50), *range(92, 100))]
    assert all(f"u{i}" in page.text for i in range(100))


def test_charts_survive_zeros_and_losses() -> None:
    data = sample()
    idle = tuple(replace(unit, cycles=0, lut=0, lut_synthesized=0) for unit in data.units)
    lost = replace(data.profile[0], sqnr_db=-3.25)
    silent = replace(data.profile[1], sqnr_db=float("-inf"))
    html = render_html(replace(data, units=idle, interval=0, profile=(lost, silent), codes=()))
    assert "NaN" not in html
    assert "−3.2 dB" in html
    assert "no signal" in html


def test_missing_chart_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("report_page", "charts"):
        monkeypatch.delitem(sys.modules, f"shiftloom.codegen.{name}", raising=False)
        monkeypatch.delattr(f"shiftloom.codegen.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "altair", None)
    message = re.escape("report: altair is not installed; pip install 'shiftloom[report]'")
    with pytest.raises(ShiftloomError, match=f"^{message}$"):
        render_html(sample())

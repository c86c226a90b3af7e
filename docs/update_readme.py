"""Put the demo's figures into the README: python docs/update_readme.py, after `make demo`.

The block between the markers `demo` is what the demo prints, from the build it left in `out/`. The
table between the markers `measured` follows from the demo's JSON alone, a copy of which is kept as
docs/demo.json: a test compares the two.
"""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console

from shiftloom.codegen import boards, tables
from shiftloom.opened import open_build
from shiftloom.results import accuracy_rows, figure_rows

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
KEPT = ROOT / "docs" / "demo.json"
WIDTH = 80


def replaced(text: str, name: str, content: str) -> str:
    """`text` with `content` between its markers `<!-- name:begin -->` and `<!-- name:end -->`."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    pattern = re.compile(f"{begin}.*?{end}", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise SystemExit(f"{README.name}: needs the markers {begin} and {end} once, in this order")
    return pattern.sub(lambda _: f"{begin}\n{content}\n{end}", text)


def measured(found: dict[str, Any]) -> str:
    """The measured table in Markdown, from the demo's JSON."""
    accuracy, wrong = found["accuracy"], found["mismatches"]
    clock, board = found["clock_mhz"], boards.get(found["board"])
    latency = found["latency_cycles"]
    rows = [
        ("test images", f"{found['images']:,}"),
        ("accuracy, float network", f"{accuracy['float']:.2%}"),
        ("accuracy, integer golden model", f"{accuracy['quantized']:.2%}"),
        ("accuracy, HLS C++", f"{accuracy['hls']:.2%}"),
        ("accuracy, RTL", f"{accuracy['rtl']:.2%}"),
        ("output integers that differ, HLS C++ and RTL", f"{wrong['hls']} and {wrong['rtl']}"),
        ("clocks a frame, back to back", f"{found['cycles_per_frame']:g}"),
        (f"frames a second at an assumed {clock:g} MHz", f"{found['frames_per_second']:,.0f}"),
        ("latency of a lone frame", f"{latency:,} clocks, {latency / clock:.1f} µs"),
    ]
    for key, label in (("lut", "LUT"), ("ff", "FF"), ("dsp", "DSP"), ("bram36", "BRAM36")):
        used = f"{found['resources'][key]:,.1f}".removesuffix(".0")
        rows.append((f"{label} by Yosys, share of the board", f"{used}, {found['share'][key]:.1%}"))
    rows.append(("bits of all weights", f"{found['weight_bits']:,}"))
    rows.append(
        ("DRAM energy of the weights saved (eq. 11, 12)", f"{found['dram_energy_saving']:.2%}")
    )
    head = [f"| LeNet-5 on the {board.title} | measured |", "| --- | ---: |"]
    return "\n".join([*head, *(f"| {label} | {value} |" for label, value in rows)])


def printed(found: dict[str, Any], output: Path) -> str:
    """What the demo prints at the end, as a code block."""
    opened = open_build(output / found["name"])
    text = StringIO()
    console = Console(file=text, width=WIDTH)
    console.print(tables.accuracy_table(accuracy_rows(opened)))
    console.print(tables.figures_table(figure_rows(found, opened)))
    lines = [line.rstrip() for line in text.getvalue().splitlines()]
    report = f"Report: out/{found['name']}.results/report.html"
    return "\n".join(["```text", "$ make demo", *lines, report, "```"])


def main() -> None:
    """Update the README and docs/demo.json from `out/`."""
    output = ROOT / "out"
    found = json.loads((output / "demo.json").read_text("utf-8"))
    text = replaced(README.read_text("utf-8"), "demo", printed(found, output))
    README.write_text(replaced(text, "measured", measured(found)), "utf-8")
    KEPT.write_bytes((output / "demo.json").read_bytes())


if __name__ == "__main__":
    main()

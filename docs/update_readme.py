"""Put measured figures into the pages: python docs/update_readme.py.

After `make demo`, the block between the markers `demo` is what the demo prints, from the build it
left in `out/`. The table between the markers `measured` follows from the demo's JSON alone, a copy
of which is kept as docs/demo.json. The table between the markers `mlperf` follows from
docs/mlperf_tiny.json, which the benchmark writes:

    python benchmarks/mlperf_tiny.py --simulate 1000 --synth --accuracy --json docs/mlperf_tiny.json

The table between the markers `accuracy` of models/README.md follows from docs/accuracy.json:

    python benchmarks/accuracy.py --data FOLDER --json docs/accuracy.json

The table between the markers `external` follows from docs/external_memory.json:

    python benchmarks/external_memory.py --memory fixed random --synth --json FILE

Tests compare the tables with the JSON.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

from _markdown import replaced
from rich.console import Console

from shiftloom.codegen import boards, tables
from shiftloom.opened import open_build
from shiftloom.results import accuracy_rows, figure_rows

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
MODELS = ROOT / "models" / "README.md"
KEPT = ROOT / "docs" / "demo.json"
TINY = ROOT / "docs" / "mlperf_tiny.json"
ACCURACY = ROOT / "docs" / "accuracy.json"
EXTERNAL = ROOT / "docs" / "external_memory.json"
WIDTH = 80
NETWORKS = {
    "mlperf_resnet8": "ResNet-8",
    "mlperf_ds_cnn": "DS-CNN",
    "mobilenet_v1_025": "MobileNetV1-0.25",
    "autoencoder": "autoencoder",
    "tfc_2w2a": "TFC_2W2A",
}
HEADS = (
    *("network", "weights", "single stream, clocks", "inf/s", "record", "pipelined, inf/s"),
    *("accuracy", "LUT", "DSP", "BRAM36"),
)


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


def mlperf(found: list[dict[str, Any]]) -> str:
    """The table of MLPerf Tiny's networks in Markdown, from the benchmark's JSON."""
    module = _benchmark()
    clock = boards.get(module.BOARD).clock_mhz * 1e6
    cases = {case.name: case for case in module.CASES}
    rows = [" | ".join(HEADS), " | ".join(["---"] * 2 + ["---:"] * (len(HEADS) - 2))]
    for row in found:
        if not row["simulated"]:
            raise SystemExit(f"{TINY.name}: {row['case']} was not simulated; use --simulate 10")
        rows.append(" | ".join(_cells(cases[row["case"]], row, clock)))
    return "\n".join(f"| {row} |" for row in rows)


def _cells(case: Any, found: dict[str, Any], clock: float) -> list[str]:
    """A row of `mlperf`; the benchmark counts the interval from its tenth frame on."""
    run, accuracy = found["simulated"], found["accuracy"] or {}
    interval = run["interval"] or found["interval"]
    share = accuracy.get("integer")
    if case.defaults:  # calibrated, perhaps on some of the test frames
        share = accuracy.get("integer_uncalibrated", share)
    used = found["synthesized"] or found["predicted"]
    form = "{:,}" if found["synthesized"] else "≈ {:,.0f}"
    return [
        NETWORKS[case.network],
        case.name.split("-")[1].replace("bit", "-bit"),
        f"{run['latency']:,}",
        f"{clock / run['latency']:,.0f}",
        f"{case.record:,}" if case.record else "–",
        f"{clock / interval:,.0f}",
        "–" if share is None else f"{share:.1%}",
        *(form.format(used[key]).removesuffix(".0") for key in ("lut", "dsp", "bram36")),
    ]


def accuracy(found: list[dict[str, Any]]) -> str:
    """The table of float and tuned networks in Markdown, from the benchmark's JSON."""
    heads = ("network", "seed, epochs", "weights", "activations", "images", "float", "integer")
    rows = [" | ".join((*heads, "change in points")), " | ".join(["---"] * 5 + ["---:"] * 3)]
    for row in found:
        for split, one in row["splits"].items():
            points = (100 * one[key] for key in ("low", "high"))
            cells = (
                f"`{row['network']}`",
                f"{row['seed']}, {row['epochs']}",
                f"{row['weight_bits']:g} bits",
                f"{row['activation_bits']} bits",
                f"{one['images']:,} {split}",
                f"{one['real']:.2%}",
                f"{one['integer']:.2%}",
                f"{100 * (one['integer'] - one['real']):+.2f} "
                f"({' to '.join(f'{value:+.2f}' for value in points)})",
            )
            rows.append(" | ".join(cells))
    return "\n".join(f"| {row} |" for row in rows)


def external(found: dict[str, Any]) -> str:
    """The table of a network in external memory in Markdown, from the benchmark's JSON."""
    board, clock = boards.get("pynq-z2"), found["clock_mhz"]
    runs = {run["memory"]: run for run in found["runs"]}
    fixed, random = runs["fixed"], runs["random"]
    wrong = sum(run["mismatches"] for run in found["runs"])
    moved = fixed["read_bytes"] + fixed["written_bytes"]
    bandwidth = moved * clock / fixed["interval"] / 1000
    ports = found["ports"]
    rows = [
        ("output integers that differ from the golden model's", f"{wrong}"),
        (
            "clocks a frame, simulated and planned",
            _pair(fixed["interval"], found["planned_interval"]),
        ),
        ("clocks of a lone frame", _pair(fixed["latency"], found["planned_latency"])),
        ("frames a second at an assumed 125 MHz", f"{clock * 1e6 / fixed['interval']:.1f}"),
        ("GOPS", f"{fixed['gops']:.1f}"),
        ("utilization of the array", f"{found['utilization']:.1%}"),
        ("memory ports of 64 bits", f"{ports}, {ports * 8 * clock / 1000:g} GB/s at most"),
        ("bytes a frame, mean rate", f"{moved:,}, {bandwidth:.2f} GB/s"),
        ("clocks a frame with random latency", f"{random['interval']:,.0f}"),
        ("slower by", f"{random['interval'] / fixed['interval'] - 1:.1%}"),
    ]
    cells = found["synthesized"]
    for key, label in (("lut", "LUT"), ("ff", "FF"), ("dsp", "DSP"), ("bram36", "BRAM36")):
        share = cells[key] / getattr(board, key)
        used = f"{cells[key]:,.1f}".removesuffix(".0")
        rows.append((f"{label} by Yosys, share of the board", f"{used}, {share:.1%}"))
    head = [("ResNet-18 on the TUL PYNQ-Z2", "measured"), ("---", "---:")]
    return "\n".join(f"| {' | '.join(row)} |" for row in (*head, *rows))


def _pair(simulated: float, planned: int) -> str:
    return f"{simulated:,.0f} and {planned:,}"


def _benchmark() -> ModuleType:
    """benchmarks/mlperf_tiny.py, which says what each case is."""
    name = "mlperf_tiny"
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


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
    """Update the pages from the JSON in docs/; the README and docs/demo.json from `out/`."""
    found = json.loads(ACCURACY.read_text("utf-8"))
    MODELS.write_text(replaced(MODELS.read_text("utf-8"), "accuracy", accuracy(found)), "utf-8")
    output = ROOT / "out"
    text = README.read_text("utf-8")
    text = replaced(text, "mlperf", mlperf(json.loads(TINY.read_text("utf-8"))))
    text = replaced(text, "external", external(json.loads(EXTERNAL.read_text("utf-8"))))
    if (output / "demo.json").is_file():
        found = json.loads((output / "demo.json").read_text("utf-8"))
        text = replaced(text, "demo", printed(found, output))
        text = replaced(text, "measured", measured(found))
        KEPT.write_bytes((output / "demo.json").read_bytes())
    README.write_text(text, "utf-8")


if __name__ == "__main__":
    main()

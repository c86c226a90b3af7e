"""Results of a build: kept as JSON beside it, gathered into the figures and the report."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from shiftloom.codegen import cost, report
from shiftloom.codegen.build import VERSION
from shiftloom.codegen.cost import Resources
from shiftloom.codegen.dataflows.dadiannao.unit import DadianNao
from shiftloom.codegen.dataflows.engine import loops
from shiftloom.codegen.dataflows.streaming.fifo import Fifo
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.dataflows.systolic.unit import Systolic
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fileset import json_bytes, write_file
from shiftloom.codegen.pe import PES
from shiftloom.codegen.profile import LayerProfile
from shiftloom.codegen.qgraph import Mac
from shiftloom.codegen.quantize import weight_traffic
from shiftloom.flow import Accuracy
from shiftloom.opened import OpenedBuild
from shiftloom.simulation import Simulation

LIMITS = """\
Clocks are simulated; the clock rate is the plan's assumption, no 7-series place and route ran.
LUTs are Yosys' cell sum, unit by unit; the vendor's tools pack them differently.
Energy counts DRAM bits of the weights alone, at 6400 pJ a 32-bit word."""


_STAGES = {"hls": "HLS C++", "rtl": "RTL"}


def save(opened: OpenedBuild, name: str, value: object) -> None:
    """Keep a result as `<name>.json` in the results folder, tagged with the design's digest."""
    data = {"design": opened.design.digest, "value": value}
    write_file(opened.results / f"{name}.json", json_bytes(data))


def load(opened: OpenedBuild, name: str) -> Any:
    """The result `name` of this very design, or None."""
    path = opened.results / f"{name}.json"
    if not path.is_file():
        return None
    try:
        data = json.loads(path.read_text("utf-8"))
        return data["value"] if data["design"] == opened.design.digest else None
    except (ValueError, KeyError, TypeError) as error:
        raise ShiftloomError(
            str(path), "is corrupt", "delete it and run the command again"
        ) from error


def figures(opened: OpenedBuild) -> dict[str, Any]:
    """Everything measured so far, as the demo's JSON holds it; None where a step has not run."""
    accuracy, synthesis = load(opened, "accuracy"), load(opened, "synthesis")
    hls, rtl = load(opened, "hls"), load(opened, "rtl")
    plan, traffic = opened.plan, weight_traffic(opened.qgraph)
    cells = sum((Resources(**c) for c in synthesis.values()), Resources()) if synthesis else None
    share = cells.share(plan.board) if cells else None
    simulated = bool(rtl and rtl["interval"])
    cycles = rtl["interval"] if simulated else plan.interval
    return {
        "name": opened.design.name,
        "design": opened.design.digest,
        "images": rtl["images"] if rtl else None,
        "accuracy": {
            "float": accuracy["real"] if accuracy else None,
            "quantized": accuracy["quantized"] if accuracy else None,
            "hls": hls["accuracy"] if hls else None,
            "rtl": rtl["accuracy"] if rtl else None,
        },
        "mismatches": {
            "hls": hls["mismatches"] if hls else None,
            "rtl": rtl["mismatches"] if rtl else None,
        },
        "cycles_per_frame": cycles,
        "latency_cycles": rtl["latency"] if simulated else plan.latency,
        "timing": "simulated RTL" if simulated else "planned",
        "planned": {"cycles_per_frame": plan.interval, "latency_cycles": plan.latency},
        "clock_mhz": plan.clock_mhz,
        "frames_per_second": plan.clock_mhz * 1e6 / cycles,
        "bottleneck_utilization": max(unit.cycles() for unit in opened.units) / cycles,
        "resources": asdict(cells) if cells else None,
        "share": asdict(share) if share else None,
        "predicted": asdict(cost.total(opened.units)),
        "board": plan.board.name,
        "weight_bits": traffic.quantized_bits,
        "float_weight_bits": traffic.float_bits,
        "dram_energy_saving": traffic.saving,
    }


def figure_rows(found: dict[str, Any], opened: OpenedBuild) -> tuple[report.Figure, ...]:
    """The key figures for people."""
    clock, cycles = found["clock_mhz"], found["cycles_per_frame"]
    latency = found["latency_cycles"]
    rows = [
        report.Figure("Clocks a frame", f"{cycles:g}", f"back to back, {found['timing']}"),
        report.Figure(
            "Frames a second", f"{found['frames_per_second']:,.0f}", f"at an assumed {clock:g} MHz"
        ),
        report.Figure(
            "Latency", f"{latency / clock:.1f} µs", f"{latency:,} clocks, one frame alone"
        ),
        report.Figure(
            "Bottleneck utilization",
            f"{found['bottleneck_utilization']:.1%}",
            "busy share of a frame",
        ),
    ]
    for key, label in (("lut", "LUT"), ("ff", "FF"), ("dsp", "DSP"), ("bram36", "BRAM36")):
        used = found["resources"] or found["predicted"]
        source = "Yosys' cell sum" if found["resources"] else "predicted"
        total = getattr(opened.plan.board, key)
        note = f"{used[key] / total:.1%} of {total:,} on {opened.plan.board.title}, {source}"
        digits = 1 if key == "bram36" else 0
        shown = f"{used[key]:,.{digits}f}".removesuffix(".0")
        rows.append(report.Figure(label, shown, note))
    rows.append(
        report.Figure(
            "Weight bits", f"{found['weight_bits']:,}", f"{found['float_weight_bits']:,} in float32"
        )
    )
    rows.append(
        report.Figure("DRAM energy saved", f"{found['dram_energy_saving']:.2%}", "eq. 11 and 12")
    )
    return tuple(rows)


def accuracy_rows(opened: OpenedBuild) -> tuple[report.AccuracyRow, ...]:
    """Accuracy float, quantized, HLS and RTL, as far as they ran."""
    accuracy = load(opened, "accuracy")
    rows = []
    if accuracy:
        images = accuracy["images"]
        rows.append(report.AccuracyRow("Float", accuracy["real"], images, None))
        rows.append(report.AccuracyRow("Integer golden", accuracy["quantized"], images, None))
    for name, stage in _STAGES.items():
        run = load(opened, name)
        if run:
            rows.append(
                report.AccuracyRow(stage, run["accuracy"], run["images"], run["mismatches"])
            )
    return tuple(rows)


def run_row(run: Simulation) -> report.AccuracyRow:
    """What one simulation found."""
    return report.AccuracyRow(_STAGES[run.backend], run.accuracy, run.images, run.mismatches)


def unit_rows(opened: OpenedBuild) -> tuple[report.UnitRow, ...]:
    """Every unit with its folding, clocks and cells, predicted and synthesized."""
    synthesis = load(opened, "synthesis") or {}
    found = load(opened, "rtl")
    interval = (found or {}).get("interval") or opened.plan.interval
    layers = {source.name: source.name for source in opened.qgraph.inputs}
    layers |= {node.name: node.layer for node in opened.qgraph.nodes}
    rows = []
    for unit in opened.units:
        predicted = cost.predict(unit)
        cells = synthesis.get(unit.name)
        used = Resources(**cells) if cells else predicted
        sink = unit.sinks[0]
        rows.append(
            report.UnitRow(
                name=unit.name,
                layer=layers[unit.node],
                kind=unit.kind,
                folding=_folding(opened, unit),
                cycles=unit.cycles(),
                utilization=unit.cycles() / interval,
                lut=predicted.lut,
                lut_synthesized=int(used.lut) if cells else None,
                ff=used.ff,
                dsp=used.dsp,
                bram36=used.bram36,
                stream=f"{sink.elements} × {'int' if sink.signed else 'uint'}{sink.bits}",
                stream_bits=sink.width,
            )
        )
    return tuple(rows)


def _folding(opened: OpenedBuild, unit: Unit) -> str:
    if isinstance(unit, PES):
        plan = opened.plan.mac(unit.node)
        digits = f", {plan.digit} bits a clock" if plan.digit else ""
        return f"PE {plan.pe} × SIMD {plan.simd}{digits}"
    if isinstance(unit, DadianNao | Systolic):
        array = unit.program.operations.lanes
        return f"{array.rows} inputs × {array.columns} outputs"
    if isinstance(unit, Fifo):
        return f"depth {unit.depth}"
    lanes = max(stream.elements for stream in (*unit.sources, *unit.sinks))
    return f"{lanes} lanes" if lanes > 1 else ""


def fifo_rows(opened: OpenedBuild) -> tuple[report.FifoRow, ...]:
    """Depth and width of every FIFO."""
    return tuple(
        report.FifoRow(unit.name, unit.depth, unit.source.width)
        for unit in opened.units
        if isinstance(unit, Fifo)
    )


def loop_nests(opened: OpenedBuild) -> tuple[report.LoopNest, ...]:
    """Each layer's loops as scheduled, outermost first, the unrolled ones in brackets."""
    engines = opened.plan.engines
    nests = [
        report.LoopNest(*nest) for plan in engines for nest in loops.nests(opened.qgraph, plan)
    ]
    inside = {name for plan in engines for name in plan.nodes}
    for node in opened.qgraph.nodes:
        if not isinstance(node.unit, Mac) or node.name in inside:
            continue
        plan = opened.plan.mac(node.name)
        height, width, channels = node.out.shape
        lines = [
            f"for y in 0..{height - 1}, x in 0..{width - 1}:",
            f"  for nf in 0..{channels // plan.pe - 1}:",
            f"    for sf in 0..{node.unit.lanes // plan.simd - 1}:",
        ]
        if plan.digit:
            bits = opened.qgraph.tensor(node.sources[0]).type.bits
            lines.append(f"      for digit in {plan.digits(bits) - 1}..0:")
        indent = "  " * (3 + bool(plan.digit))
        unrolled = f"{plan.pe} outputs × {plan.simd} terms on {plan.kind}"
        lines.append(f"{indent}[unrolled: {unrolled}]")
        nests.append(report.LoopNest(node.name, "\n".join(lines)))
    return tuple(nests)


_MOST_BARS = 16
"""Most bars of a histogram; several levels share one where there are more."""


def code_histograms(opened: OpenedBuild) -> tuple[report.CodeHistogram, ...]:
    """How often the weight codes occur, by layer."""
    rows = []
    for node in opened.qgraph.nodes:
        if isinstance(node.unit, Mac):
            levels = node.unit.codes.format.levels
            counts = Counter(node.unit.codes.values.data.ravel().tolist())
            step = -(-len(levels) // _MOST_BARS)
            bars = [levels[i : i + step] for i in range(0, len(levels), step)]
            codes = tuple((_label(bar), sum(counts[v] for v in bar)) for bar in bars)
            rows.append(report.CodeHistogram(node.name, codes))
    return tuple(rows)


def _label(levels: tuple[int, ...]) -> str:
    """The first level of a bar, and the last one of several."""
    ends = (levels[0],) if len(levels) == 1 else (levels[0], levels[-1])
    return " to ".join(f"{v:+d}".replace("-", "−") if v else "0" for v in ends)


def report_data(opened: OpenedBuild) -> report.ReportData:
    """All rows of the report."""
    found = figures(opened)
    board = opened.plan.board
    profile = load(opened, "profile") or []
    return report.ReportData(
        title=f"{opened.design.name} on the {board.title}",
        network=opened.design.name,
        board=board.title,
        part=board.part,
        clock_mhz=opened.plan.clock_mhz,
        interval=round(found["cycles_per_frame"]),
        figures=figure_rows(found, opened),
        accuracy=accuracy_rows(opened),
        layers=opened.layers,
        units=unit_rows(opened),
        codes=code_histograms(opened),
        profile=tuple(LayerProfile(**{**row, "sqnr_db": float(row["sqnr_db"])}) for row in profile),
        fifos=fifo_rows(opened),
        loops=loop_nests(opened),
        limits=LIMITS,
        footer=f"Shiftloom {VERSION} · design {opened.design.name} {opened.design.digest[:16]}",
    )


def write_report(opened: OpenedBuild) -> Path:
    """Render `report.html` into the results folder; returns its path."""
    path = opened.results / "report.html"
    write_file(path, report.render_html(report_data(opened)).encode())
    return path


def save_quantization(
    opened: OpenedBuild, accuracy: Accuracy, profile: tuple[LayerProfile, ...]
) -> None:
    """Keep what the quantize stage measured; SQNR as text, since it may be infinite."""
    save(opened, "accuracy", asdict(accuracy))
    save(opened, "profile", [{**asdict(row), "sqnr_db": repr(row.sqnr_db)} for row in profile])


def save_simulation(opened: OpenedBuild, run: Simulation) -> None:
    """Keep what a backend's simulation found, unless a run without stalls over more is kept."""
    kept = load(opened, run.backend)
    if kept is None or run.mismatches or run.images >= kept["images"]:
        save(opened, run.backend, asdict(run))


def save_synthesis(opened: OpenedBuild, cells: dict[str, Resources]) -> None:
    """Keep the synthesized cells of every unit."""
    save(opened, "synthesis", {name: asdict(value) for name, value in cells.items()})

"""LeNet-5 pruned by each method, without any training: accuracy, and what conv2 costs burnt in.

    python benchmarks/pruning.py [--synthesize]

LUTs are those of conv2 on a `constant` PE that takes a vector a clock, predicted. `--synthesize`
has Yosys count those of three cases too, minutes each.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

import shiftloom
from shiftloom import flow
from shiftloom.codegen import boards, emit_unit
from shiftloom.codegen.grids import NONE, number, percent
from shiftloom.codegen.pe import ConstantMatrix
from shiftloom.codegen.pruning.savings import survey
from shiftloom.rtl_sim import synth
from shiftloom.simulation import default_cache

LAYER = "conv2"
SYNTHESIZED = (0, 2, 3)
"""The cases that Yosys runs for: none, half and 70 % of each layer's weights."""
CASES: tuple[dict[str, Any], ...] = (
    {},
    *(
        {"method": "magnitude", "scope": scope, "share": share}
        for scope in ("layer", "global")
        for share in (0.3, 0.5, 0.7)
    ),
    {"method": "nm"},
    *(
        {"method": method, "scope": scope, "share": share}
        for method in ("filter_l1", "filter_fpgm", "channel")
        for scope in ("layer", "global")
        for share in (0.1, 0.25)
    ),
)


def synthesized(quantized: shiftloom.Quantized, config: shiftloom.Config) -> float:
    """LUTs of the layer's PE by Yosys."""
    with tempfile.TemporaryDirectory() as folder:
        shiftloom.build(quantized, config, Path(folder) / "build")
        opened = shiftloom.open_build(Path(folder) / "build")
        matrices = (unit for unit in opened.units if isinstance(unit, ConstantMatrix))
        name = next(unit.name for unit in matrices if unit.node == LAYER)
        instance = next(each for each in opened.design.instances if each.name == name)
        rtl = emit_unit.unit_files(opened.design, instance)
        files = tuple(opened.folder / "rtl" / file for file in rtl)
        top = emit_unit.unit_module(opened.design, instance)
        return synth.synthesize(files, top, cache=default_cache()).lut


def main() -> None:
    """Measure and print."""
    graph, frames = shiftloom.load_network("lenet5"), flow.calibration_frames("lenet5")
    images, labels = flow.evaluation_set("lenet5")
    assert labels is not None
    table = Table(title="LeNet-5 pruned, not retrained", title_justify="left", box=box.SIMPLE)
    for title in ("Method", "Scope", "Share", "Weights ≠ 0", "Float", "Integer"):
        table.add_column(title, justify="left" if title in ("Method", "Scope") else "right")
    for title in ("zeros", "adders", "LUT", "LUT by Yosys"):
        table.add_column(f"{LAYER} {title}", justify="right")
    for index, case in enumerate(CASES):
        layers = {LAYER: {"pe": "constant", "digit": 8}}
        config = shiftloom.parse_config({"pruning": case, "layers": layers})
        quantized = shiftloom.quantize(shiftloom.prune(graph, config), frames, config)
        found = survey(quantized, config, boards.get(config.target.board))
        row = next(row for row in found.layers if row.layer == LAYER)
        accuracy = flow.accuracy(quantized, images, labels)
        wanted = "--synthesize" in sys.argv and index in SYNTHESIZED
        table.add_row(
            config.pruning.method,
            case.get("scope", NONE),
            str(case.get("share", NONE)),
            number(found.weights),
            percent(accuracy.real, 2),
            percent(accuracy.quantized, 2),
            number(row.zeros),
            number(row.adders),
            number(row.burnt_in),
            number(synthesized(quantized, config) if wanted else None),
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()

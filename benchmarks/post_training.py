"""Accuracy after training: quantizers and repairs without labels, on the integer golden model.

Run as `python benchmarks/post_training.py [CASE ...] [--data FOLDER] [--json FILE]`; without a case
all of them, `--list` names them. Weights are QSQ of 3 bits (φ = 4) or 2 bits (φ = 1), one α an
output channel, in all layers; activations have 8 bits. Frames that calibrated are left out of the
accuracy.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from shiftloom import ShiftloomError, flow, parse_config, quantize

CASES = {
    "lenet5-3bit": ("lenet5", 4),
    "lenet5-2bit": ("lenet5", 1),
    "resnet8-3bit": ("mlperf_resnet8", 4),
    "resnet8-2bit": ("mlperf_resnet8", 1),
    "ds_cnn-3bit": ("mlperf_ds_cnn", 4),
    "ds_cnn-2bit": ("mlperf_ds_cnn", 1),
}
QUANTIZERS = ("least_squares", "calibrated", "adaround")
REPAIRS: dict[str, dict[str, bool]] = {
    "none": {},
    "bias correction": {"bias_correction": True},
    "equalization": {"equalize": True},
    "both": {"equalize": True, "bias_correction": True},
}


def measured(case: str, quantizer: str, repair: dict[str, bool], data: Path | None) -> list[Any]:
    """As `measure`; without figures where there is nothing to equalize."""
    try:
        return measure(case, quantizer, repair, data)
    except ShiftloomError as error:
        if error.node != "repair.equalize":
            raise
        return []


def measure(case: str, quantizer: str, repair: dict[str, bool], data: Path | None) -> list[Any]:
    """Float and integer accuracy, and the seconds that quantizing took."""
    network, phi = CASES[case]
    defaults = {"format": "qsq", "phi": phi, "quantizer": quantizer}
    config = parse_config({"defaults": defaults, "repair": repair})
    graph = flow.load_network(network, data=data)
    frames = flow.calibration_frames(network, data)
    start = time.perf_counter()
    quantized = quantize(graph, frames, config)
    seconds = time.perf_counter() - start
    shared = flow.calibration_overlap(network)
    images, labels = flow.evaluation_set(network, data)
    assert labels is not None
    found = flow.accuracy(quantized, images[shared:], labels[shared:])
    return [found.images, found.real, found.quantized, seconds]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--list", action="store_true", help="name the cases and end")
    parser.add_argument("--data", type=Path, help="data folder")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    console = Console(width=100, highlight=False)
    unknown = set(arguments.cases) - set(CASES)
    if unknown or arguments.list:
        console.print(f"cases: {', '.join(CASES)}")
        raise SystemExit(2 if unknown else 0)
    results: dict[str, dict[str, dict[str, list[Any]]]] = {}
    for case in arguments.cases or CASES:
        table = Table(title=case)
        for column in ("quantizer", *REPAIRS, "seconds"):
            table.add_column(column, justify="left" if column == "quantizer" else "right")
        for quantizer in QUANTIZERS:
            rows = {n: measured(case, quantizer, r, arguments.data) for n, r in REPAIRS.items()}
            results.setdefault(case, {})[quantizer] = rows
            shares = (f"{found[2]:.2%}" if found else "–" for found in rows.values())
            table.add_row(quantizer, *shares, f"{rows['none'][3]:.1f}")
        images, real = results[case]["least_squares"]["none"][:2]
        table.caption = f"{images:,} images, float {real:.2%}"
        console.print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()

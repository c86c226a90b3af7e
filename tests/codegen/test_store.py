"""Saved stages: an exact round trip, the same bytes, and files that are damaged or hostile."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from networks import chain, conv, frames, linear

from shiftloom.codegen import boards, store
from shiftloom.codegen.config import Config
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import GraphInput
from shiftloom.codegen.ops import Flatten, MaxPool2d, Relu
from shiftloom.codegen.plan import FifoPlan, LanePlan, MacPlan, Plan, RequantPlan
from shiftloom.codegen.qgraph import QGraph
from shiftloom.codegen.quantize import Quantized, quantize
from shiftloom.codegen.values import Array, IntType
from shiftloom.codegen.windows import Window


def network() -> Quantized:
    rng = np.random.default_rng(0)
    source = GraphInput((6, 6, 2), scale=1 / 255, zero=3)
    graph = chain(
        conv(rng, (2, 3), padding=(1, 1)),
        Relu(),
        MaxPool2d(Window((2, 2), (2, 2))),
        Flatten(),
        linear(rng, 27, 4),
        source=source,
    )
    return quantize(graph, frames(rng, source.shape), Config())


PLAN = Plan(
    "streaming",
    boards.get("pynq-z2"),
    125.0,
    (MacPlan("conv2d0", "shift", 3, 18),),
    (RequantPlan("relu1_requant", "mult_shift", 3, False),),
    (LanePlan("pool", 2),),
    (FifoPlan("conv2d0_fifo", 16),),
    784,
    900,
)


@pytest.fixture(scope="module")
def saved() -> tuple[bytes, bytes]:
    return store.save(network().qgraph)


def test_a_network_comes_back_equal(saved: tuple[bytes, bytes]) -> None:
    original = network().qgraph
    loaded = store.load(*saved, "build")
    assert isinstance(loaded, QGraph)
    assert loaded == original
    assert hash(loaded) == hash(original)


def test_plans_and_certificates_come_back_equal() -> None:
    certificates = network().certificates
    assert store.load(*store.save(certificates), "build") == certificates
    assert store.load(*store.save(PLAN), "build") == PLAN
    assert store.load(store.save(PLAN)[0], store.NO_ARRAYS, "build") == PLAN


def test_the_same_value_gives_the_same_bytes(saved: tuple[bytes, bytes]) -> None:
    assert store.save(network().qgraph) == saved
    assert store.save(store.load(*saved, "build")) == saved
    assert store.save(replace(network().qgraph, name="other")) != saved


def test_numpy_scalars_become_numbers() -> None:
    structure, _ = store.save((np.int64(3), np.float64(0.5), IntType(8, True)))
    assert json.loads(structure) == [3, 0.5, {"$type": "IntType", "bits": 8, "signed": True}]


def test_arrays_are_stored_once() -> None:
    array = Array(np.arange(3))
    _, arrays = store.save((array, array, Array(np.arange(3))))
    assert zipfile.ZipFile(io.BytesIO(arrays)).namelist() == [f"{array.digest}.npy"]


def corrupt(structure: bytes, arrays: bytes) -> str:
    """The message of the refusal, which names the file and the way out."""
    with pytest.raises(ShiftloomError) as caught:
        store.load(structure, arrays, "net.json")
    assert (caught.value.node, caught.value.hint) == ("net.json", "build again")
    assert caught.value.problem.startswith("is corrupt (")
    return caught.value.problem


def test_an_unknown_type_is_never_made() -> None:
    for name in ("Popen", "os.system", "Path", "ShiftloomError", "__import__"):
        hostile = json.dumps({"$type": name, "args": ["ls"]}).encode()
        assert corrupt(hostile, store.NO_ARRAYS) == f"is corrupt ('{name}')"


def test_unknown_or_missing_fields_are_refused() -> None:
    corrupt(b'{"$type": "IntType", "bits": 8}', store.NO_ARRAYS)
    corrupt(b'{"$type": "IntType", "bits": 8, "signed": true, "more": 1}', store.NO_ARRAYS)
    corrupt(b'{"bits": 8, "signed": true}', store.NO_ARRAYS)
    corrupt(b'{"$type": ["IntType"]}', store.NO_ARRAYS)


def test_impossible_values_are_refused_by_their_type() -> None:
    with pytest.raises(ShiftloomError, match=r"^qsq\.phi: 3 is no level"):
        store.load(
            b'{"$type": "Qsq", "phi": 3, "vector": null, "axis": "output"}',
            store.NO_ARRAYS,
            "net.json",
        )


@pytest.mark.parametrize("structure", [b"", b"{", b"\xff", b"[" * 100_000, b'{"array": 1}'])
def test_a_structure_that_cannot_be_read_is_refused(structure: bytes) -> None:
    corrupt(structure, store.NO_ARRAYS)


@pytest.mark.parametrize("arrays", [b"", b"PK", b"PK\x03\x04", b"\x93NUMPY", b"\x80\x04]\x94."])
def test_arrays_that_cannot_be_read_are_refused(arrays: bytes) -> None:
    corrupt(b"[]", arrays)


def npz(name: str, content: bytes, method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def npy(array: np.ndarray, allow_pickle: bool = False) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=allow_pickle)
    return buffer.getvalue()


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def test_a_pickle_inside_the_arrays_is_not_run(tmp_path: Path) -> None:
    bomb = npy(np.array([Bomb(tmp_path / "ran")], dtype=object), allow_pickle=True)
    message = corrupt(b'{"array": "a"}', npz("a", bomb))
    assert "Object arrays cannot be loaded" in message
    assert not (tmp_path / "ran").exists()


def test_a_plain_array_instead_of_an_archive_is_refused() -> None:
    corrupt(b"[]", npy(np.arange(3)))


def test_an_array_of_another_content_is_refused() -> None:
    array = Array(np.arange(3))
    structure, _ = store.save(array)
    message = corrupt(structure, npz(array.digest, npy(np.arange(4))))
    assert message == f"is corrupt (array {array.digest[:12]} has another content)"


def test_a_missing_array_is_refused() -> None:
    structure, _ = store.save(Array(np.arange(3)))
    corrupt(structure, store.NO_ARRAYS)


def test_an_array_header_that_claims_too_much_is_refused() -> None:
    content = npy(np.zeros(3)).replace(b"(3,), }", b"(1<<9,)}", 1)
    corrupt(b'{"array": "a"}', npz("a", content))
    huge = npy(np.zeros(3)).replace(b"(3,), }" + b" " * 18, b"(9000000000000000000,), }", 1)
    corrupt(b'{"array": "a"}', npz("a", huge))


@pytest.mark.parametrize("part", [0, 1])
def test_damaged_bytes_never_give_another_network(saved: tuple[bytes, bytes], part: int) -> None:
    """A flipped bit or a lost end is refused, or harmless; nothing else is raised."""
    original = store.load(*saved, "build")
    rng = np.random.default_rng(part)
    for trial in range(400):
        content = bytearray(saved[part])
        at = int(rng.integers(len(content)))
        if trial % 2:
            content[at] ^= 1 << int(rng.integers(8))
        else:
            del content[at:]
        files = [*saved]
        files[part] = bytes(content)
        try:
            loaded = store.load(files[0], files[1], "build")
        except ShiftloomError:
            continue
        assert part == 0 or loaded == original

"""A build folder, verified and read back."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from pathlib import Path

from shiftloom.codegen import boards as board_list
from shiftloom.codegen import files, fileset, store
from shiftloom.codegen.build import MEMORY_IMAGE, RANGES, lower
from shiftloom.codegen.coding.build_file import read_build
from shiftloom.codegen.coding.fields import reading
from shiftloom.codegen.dataflows import registry as dataflows
from shiftloom.codegen.dataflows.streaming.unit import Unit
from shiftloom.codegen.design import Design, Stream
from shiftloom.codegen.emit_board import board_module, pins_module
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.fitted import Range
from shiftloom.codegen.plan import Plan
from shiftloom.codegen.qgraph import QGraph
from shiftloom.codegen.reloading import loaded, weights_of
from shiftloom.codegen.report import LayerRow
from shiftloom.codegen.serial_line import serial_line
from shiftloom.host import loading
from shiftloom.host.container import WeightsError
from shiftloom.host.registers import RegisterMap
from shiftloom.rtl_sim import yosys
from shiftloom.rtl_sim.compile import PATIENCE, Probe, SimTop
from shiftloom.rtl_sim.memory import SimMemory

_DESCRIBED = ("host/accelerator.json", "registers.json")
_HINT = "give a file of shiftloom pack"
_AGAIN = "write it by shiftloom pack"


@dataclass(frozen=True, slots=True)
class BoardPins:
    """What makes a bitstream for a bare board: a top, its constraints, its package, its line."""

    top: Path
    constraints: Path
    package: str
    baud: int


@dataclass(frozen=True, slots=True)
class OpenedBuild:
    """What a build folder says; `results` is where figures about it go."""

    folder: Path
    qgraph: QGraph
    plan: Plan
    units: tuple[Unit, ...]
    design: Design
    layers: tuple[LayerRow, ...]
    weights: Path | None = None
    """The file of other weights that are loaded before the first frame..."""
    writes: tuple[loading.Write, ...] = ()
    """... and the registers that are written for that."""

    @property
    def results(self) -> Path:
        """Folder of the results beside the build."""
        return self.folder.with_name(f"{self.folder.name}.results")

    def sources(self) -> tuple[Path, ...]:
        """The RTL files of the accelerator, without those of its board alone, sorted."""
        return self._reached(self.design.name)

    def board_sources(self) -> tuple[Path, ...]:
        """The RTL files of the accelerator with its shell, sorted."""
        return self._reached(board_module(self.design))

    def _reached(self, top: str) -> tuple[Path, ...]:
        return yosys.reached(top, sorted((self.folder / "rtl").glob("*.sv")))

    def pinout(self) -> BoardPins | None:
        """The top at the pins of its board, of a build for a board whose pins are known."""
        pins = board_list.pins(self.plan.board.name)
        top = self.folder / "ecp5" / f"{pins_module(self.design)}.sv"
        if pins is None or not top.is_file():
            return None
        baud = serial_line(self.design.name, self.design.clock_mhz).baud
        return BoardPins(top, top.with_suffix(".lpf"), pins.package, baud)

    def sim_top(self) -> SimTop:
        """The RTL as the batch engine takes it, with a probe on every stream."""
        source, sink = self.design.source, self.design.sink
        probes = tuple(Probe(s.name, s.width) for s in self.probed())
        return SimTop(
            self.design.name,
            self.sources(),
            source.width,
            source.beats,
            sink.width,
            sink.beats,
            probes,
            self._memory(),
            max(PATIENCE, 4 * self.plan.latency),
            tuple(unit.most for unit in self.design.quality),
            self.writes,
        )

    def ranges(self) -> dict[str, Range]:
        """The ranges of the activations that the build was quantized with."""
        found = json.loads((self.folder / RANGES).read_text("utf-8"))
        return {name: Range(**known) for name, known in found.items()}

    def loaded(self, path: Path) -> OpenedBuild:
        """The build after the weights of a file are loaded: its network, and how they come there.

        Raises ShiftloomError where the build has no weights to load, and naming the file where it
        is damaged, or for another build.
        """
        data, again = files.read(path, files.MAX_MODEL, _HINT), f"{_AGAIN} --build {self.folder}"
        weights_of(self.qgraph, self.design.digest)  # refuses a build that has none
        weights = read_build(data, str(path))
        if weights.digest != self.design.digest:
            problem = f"is for the build {weights.digest[:16]}, this is {self.design.digest[:16]}"
            raise ShiftloomError(str(path), problem, again)
        with reading(str(path)):
            qgraph = loaded(self.qgraph, weights)
        try:
            writes = self._writes(data)
        except WeightsError as error:
            raise ShiftloomError(str(path), str(error), again) from error
        return replace(self, qgraph=qgraph, weights=path.resolve(), writes=writes)

    def _writes(self, data: bytes) -> tuple[loading.Write, ...]:
        """What a host writes to load the bytes of a file; no frame is under way."""
        accelerator, registers = (
            json.loads((self.folder / name).read_text("utf-8")) for name in _DESCRIBED
        )
        control = RegisterMap(registers).offset("LOAD_CONTROL")
        words = loading.writes(io.BytesIO(data), accelerator, registers)
        return (control, 1), *words, (control, 0)

    def memory_image(self) -> Path | None:
        """The file with the first bytes of the external memory, if the design has one."""
        return self.folder / MEMORY_IMAGE if self.design.memory else None

    def _memory(self) -> SimMemory | None:
        """The external memory of the design, as the batch engine takes it."""
        memory, image = self.design.memory, self.memory_image()
        if memory is None or image is None:
            return None
        return SimMemory(memory.ports, memory.size, image)

    def probed(self) -> tuple[Stream, ...]:
        """Streams that carry a tensor of the golden model, in topological order."""
        return tuple(stream for stream in self.design.streams if stream.tensor)


def open_build(folder: Path) -> OpenedBuild:
    """Verify a build against its manifest and its digest, and read it.

    Raises ShiftloomError naming the file that is missing, changed or of another version.
    """
    folder = folder.resolve()
    fileset.verify(folder)
    try:
        return _read(folder)
    except _DAMAGE as error:
        problem = f"is damaged or of another version ({type(error).__name__})"
        raise ShiftloomError(str(folder), problem, "build again") from error


_DAMAGE = (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, ArithmeticError)
"""What reading a build of other content may raise."""


def _read(folder: Path) -> OpenedBuild:
    arrays = (folder / "golden/arrays.npz").read_bytes()
    structure = (folder / "golden/qgraph.json").read_bytes()
    qgraph = store.load(structure, arrays, str(folder / "golden/qgraph.json"))
    design_path = folder / "design.json"
    plan = store.load(design_path.read_bytes(), store.NO_ARRAYS, str(design_path))
    if not isinstance(qgraph, QGraph) or not isinstance(plan, Plan):
        raise ShiftloomError(str(folder), "is no build of this version", "build again")
    units = dataflows.get(plan.dataflow).units(qgraph, plan)
    design = lower(qgraph, plan, units)
    host = json.loads((folder / "host/accelerator.json").read_text("utf-8"))
    if host["digest"] != design.digest:
        raise ShiftloomError(str(design_path), "is not the plan of this build", "build again")
    layers = tuple(
        LayerRow(**{**row, "shape": tuple(row["shape"])})
        for row in json.loads((folder / "golden/layers.json").read_text("utf-8"))
    )
    return OpenedBuild(folder, qgraph, plan, units, design, layers)

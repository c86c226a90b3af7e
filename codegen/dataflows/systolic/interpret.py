"""Runs the programs of the systolic engine in NumPy, out of a workspace of bytes."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from shiftloom.codegen.dataflows.engine.interpret import Constants, Machine, fronted, ingest
from shiftloom.codegen.dataflows.engine.program import (
    Compute,
    Instruction,
    Load,
    ReadResidual,
    Store,
    Weights,
    decoded,
)
from shiftloom.codegen.dataflows.systolic.compiled import Program
from shiftloom.codegen.dataflows.systolic.memory import BEAT, tile_beats
from shiftloom.codegen.values import Array, IntArray


def run(program: Program, x: IntArray, pad: int = 0) -> IntArray:
    """Emitted sums [N, pixels, channels] of frames [N, H, W, C] of the part's input.

    `pad` is what the streaming window before the engine reads outside of a frame.
    """
    workspace = _Workspace(program)
    frames = fronted(program.operations, x, pad)
    made = [workspace.frame(frame, index % 2) for index, frame in enumerate(frames)]
    return np.stack(made)[:, :, : program.operations.channels]


_Kind = TypeVar("_Kind", bound=Instruction)


class _Sequence(Generic[_Kind]):
    """Instructions of one kind, one after the other, from the first again behind the last."""

    def __init__(self, kind: type[_Kind], memory: Array) -> None:
        self.kind = kind
        self.memory = memory.data
        self.index = 0

    def next(self) -> _Kind:
        """The next instruction."""
        at = decoded(self.kind, self.memory[self.index])
        self.index = 0 if at.has("last") else self.index + 1
        return at


class _Workspace:
    """The external memory, which keeps what the frame before has left."""

    def __init__(self, program: Program) -> None:
        operations = program.operations
        constants = Constants(program.step, program.bias, program.m, program.c)
        self.program = program
        self.machine = Machine(operations.lanes, program.widths, constants)
        self.bytes = np.zeros((program.layout.size, BEAT), np.uint8)
        image = program.image.data
        self.bytes.reshape(-1)[: len(image)] = image
        self.computes = _Sequence(Compute, program.prog)
        self.loads = _Sequence(Load, program.load)
        self.weights = _Sequence(Weights, program.weight)
        self.residuals = _Sequence(ReadResidual, program.res)
        self.writes = _Sequence(Store, program.store)
        self.stores = 0

    def frame(self, frame: IntArray, parity: int) -> IntArray:
        """Run one frame; returns its sums [pixels, co · C]."""
        layout, source = self.program.layout, self.program.operations.source.name
        made = ingest(frame, self.machine.lanes, self.program.widths)
        first = layout.start[source] + parity * layout.stride
        lines = made.astype(np.uint8).reshape(-1, BEAT)
        self.bytes[first : first + len(lines)] = lines
        self.stores, emitted = 0, []
        while True:
            at = self.computes.next()
            sums = self._instruction(at, parity)
            if sums is not None:
                emitted.append(sums)
            if at.has("last"):
                return self._joined(emitted)

    def _joined(self, emitted: list[IntArray]) -> IntArray:
        """The sums in the order in which they come, as [pixels, co · C]."""
        columns = self.machine.lanes.columns
        beats = np.concatenate([sums.reshape(-1, columns) for sums in emitted])
        pixels = self.program.operations.ops[-1].pixels
        return beats.reshape(pixels, -1)

    def _instruction(self, at: Compute, parity: int) -> IntArray | None:
        machine = self.machine
        buffer = self._load(parity)
        pixels = at.ny * at.nx
        lists = list(machine.walk(at))
        if at.has("pool"):
            self._store([machine.largest(buffer, at, entries) for entries in lists])
            return None
        weights = self._weights(sum(map(len, lists)))
        words = self._residual(at)
        results, place = [], 0
        for co, entries in enumerate(lists):
            fields = weights[place : place + len(entries)]
            place += len(entries)
            sums = machine.sums(buffer, at, entries, at.param + co, fields)
            residual = words[co] if words is not None else sums
            is_raw = at.has("emit")
            results.append(sums if is_raw else machine.post(at, sums, at.param + co, residual))
        if at.has("emit"):
            return np.stack(results, axis=1)
        split = [r.reshape(pixels, machine.lanes.words, -1).transpose(1, 0, 2) for r in results]
        self._store(list(np.concatenate(split)))
        return None

    def _lines(self, at: Load | ReadResidual | Store) -> npt.NDArray[np.intp]:
        """The beats of all segments [segments, beats]."""
        start = at.dst if isinstance(at, Store) else at.src
        return start + np.arange(at.segments)[:, None] * at.stride + np.arange(at.beats)

    def _load(self, parity: int) -> IntArray:
        """The tile buffer [words, R]."""
        at = self.loads.next()
        assert self.stores >= at.wait, "a load does not wait for its store"
        lines = self._lines(at) + (parity * self.program.layout.stride if at.has("input") else 0)
        rows = self.machine.lanes.rows
        segments = self.bytes[lines].reshape(at.segments, -1, rows)
        buffer = np.zeros((self.program.plan.buffer, rows), np.int64)
        for index, words in enumerate(segments):
            buffer[index * at.pitch : index * at.pitch + len(words)] = words
        return buffer

    def _weights(self, count: int) -> IntArray:
        """Tiles of fields [count, C, R] out of the ports' regions."""
        at = self.weights.next()
        lanes, w_bits = self.machine.lanes, self.program.widths.w_bits
        ports = self.program.plan.weight_ports
        beats = tile_beats(lanes.rows, lanes.columns, w_bits, ports)
        assert at.beats == count * beats
        sources = (at.src0, at.src1)[:ports]
        parts = [self.bytes[src : src + at.beats].reshape(count, beats, 1, BEAT) for src in sources]
        lines = np.concatenate(parts, axis=2).reshape(count, -1)
        bits = np.unpackbits(lines, axis=1, bitorder="little")
        bits = bits[:, : lanes.rows * lanes.columns * w_bits].reshape(count, -1, w_bits)
        fields = (bits.astype(np.int64) << np.arange(w_bits)).sum(axis=2)
        if not self.program.widths.shift_w:
            fields -= (fields >> (w_bits - 1)) << w_bits
        tiles: IntArray = fields.reshape(count, lanes.rows, lanes.columns).transpose(0, 2, 1)
        return tiles

    def _residual(self, at: Compute) -> IntArray | None:
        """Words [co, pixels, C] of the other operand."""
        if not at.has("residual"):
            return None
        read = self.residuals.next()
        assert self.stores >= read.wait, "a residual does not wait for its store"
        lanes = self.machine.lanes
        words = self.bytes[self._lines(read)].astype(np.int64)
        split = words.reshape(at.co, lanes.words, at.ny * at.nx, lanes.rows)
        return split.transpose(0, 2, 1, 3).reshape(at.co, at.ny * at.nx, lanes.columns)

    def _store(self, segments: list[IntArray]) -> None:
        at = self.writes.next()
        lines = np.stack(segments).astype(np.uint8).reshape(at.segments, at.beats, BEAT)
        self.bytes[self._lines(at)] = lines
        self.stores += 1

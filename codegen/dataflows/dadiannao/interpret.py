"""Runs a program of the dadiannao engine in NumPy."""

from __future__ import annotations

import numpy as np

from shiftloom.codegen.dataflows.dadiannao.compiled import Program
from shiftloom.codegen.dataflows.engine.interpret import Constants, Machine, fronted, ingest
from shiftloom.codegen.dataflows.engine.program import Compute, decoded
from shiftloom.codegen.values import IntArray


def run(program: Program, x: IntArray, pad: int = 0) -> IntArray:
    """Emitted sums [N, pixels, channels] of frames [N, H, W, C] of the part's input.

    `pad` is what the streaming window before the engine reads outside of a frame.
    """
    operations, buffer = program.operations, _Buffer(program)
    frames = fronted(operations, x, pad)
    made = [buffer.frame(frame)[:, : operations.channels] for frame in frames]
    return np.stack(made)


class _Buffer:
    """The neuron buffer, which keeps what the frame before has left."""

    def __init__(self, program: Program) -> None:
        operations = program.operations
        constants = Constants(program.step, program.bias, program.m, program.c)
        self.program = program
        self.machine = Machine(operations.lanes, program.widths, constants)
        self.words = np.zeros((program.depth, operations.lanes.rows), np.int64)

    def frame(self, frame: IntArray) -> IntArray:
        """Run one frame; returns its sums [pixels, co · C]."""
        made = ingest(frame, self.machine.lanes, self.program.widths)
        flat = made.reshape(-1, made.shape[-1])
        self.words[: len(flat)] = flat
        for row in self.program.prog.data:
            at = decoded(Compute, row)
            sums = self._instruction(at)
            if at.has("last"):
                return sums
        raise AssertionError("the program has no last instruction")

    def _instruction(self, at: Compute) -> IntArray:
        machine, pixels, weight = self.machine, at.ny * at.nx, at.weight
        results, emitted = [], []
        for co, entries in enumerate(machine.walk(at)):
            if at.has("pool"):
                results.append(machine.largest(self.words, at, entries))
                continue
            fields = self.program.weights.data[weight : weight + len(entries)]
            weight += len(entries)
            sums = machine.sums(self.words, at, entries, at.param + co, fields)
            if at.has("emit"):
                emitted.append(sums)
                continue
            first = at.res + co * at.res_co
            residual = self.words[first : first + pixels] if at.has("residual") else sums
            results.append(machine.post(at, sums, at.param + co, residual))
        for co, result in enumerate(results):
            first = at.dst + co * at.dst_co
            self.words[first : first + pixels] = result
        return np.concatenate(emitted, axis=1) if emitted else np.zeros((0, 0), np.int64)

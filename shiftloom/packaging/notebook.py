"""The notebook of a package: a template in cells, rendered and written in Jupyter's format.

The template is a script whose lines `# %%` begin a cell of code and `# %% [markdown]` one of text;
the lines of a text begin with `# `.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shiftloom.codegen.render import render
from shiftloom.packaging.samples import Samples

MANY = 1024
"""About so many frames are timed."""
TEMPLATE = "notebook/accelerator.py.j2"
_CODE, _TEXT = "# %%", "# %% [markdown]"
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


@dataclass(frozen=True, slots=True)
class _Tensor:
    name: str
    """As it is written in Python."""
    file: str


@dataclass(frozen=True, slots=True)
class _Context:
    name: str
    board: str
    digest: str
    frames: str
    inputs: tuple[_Tensor, ...]
    outputs: tuple[_Tensor, ...]
    has_one_input: bool
    has_one_output: bool
    has_labels: bool
    has_index: bool
    has_quality: bool
    has_weights: bool
    repeats: int


def notebook(described: Mapping[str, Any], samples: Samples, loads: bool) -> bytes:
    """An .ipynb for the accelerator that `described`, its accelerator.json, is about.

    `loads` says whether the package has weights to load. The same input gives the same bytes.
    """
    inputs, outputs = (_tensors(described[f"{kind}s"], kind) for kind in ("input", "output"))
    context = _Context(
        name=described["name"],
        board=described["board"],
        digest=described["digest"][:16],
        frames=samples.origin,
        inputs=inputs,
        outputs=outputs,
        has_one_input=len(inputs) == 1,
        has_one_output=len(outputs) == 1,
        has_labels=samples.labels is not None,
        has_index=math.prod(described["outputs"][0]["shape"]) == 1,
        has_quality="quality" in described,
        has_weights=loads,
        repeats=max(1, MANY // samples.count),
    )
    script = cells(render(TEMPLATE, context))
    found = {
        "cells": [_cell(index, *each) for index, each in enumerate(script)],
        "metadata": {"kernelspec": _KERNEL, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return (json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _tensors(described: Sequence[Mapping[str, Any]], kind: str) -> tuple[_Tensor, ...]:
    return tuple(
        _Tensor(repr(tensor["name"]), f"selftest/{kind}{index}.npy")
        for index, tensor in enumerate(described)
    )


def cells(script: str) -> list[tuple[str, str]]:
    """The cells of a script: `code` or `markdown`, and the source."""
    found: list[tuple[str, list[str]]] = []
    for line in script.splitlines():
        if line in (_CODE, _TEXT):
            found.append(("code" if line == _CODE else "markdown", []))
        else:
            kind, lines = found[-1]
            lines.append(line if kind == "code" else line.removeprefix("#").removeprefix(" "))
    return [(kind, "\n".join(lines).strip("\n")) for kind, lines in found]


def _cell(index: int, kind: str, source: str) -> dict[str, Any]:
    made = {
        "cell_type": kind,
        "id": f"cell-{index}",
        "metadata": {},
        "source": source.splitlines(keepends=True),
    }
    return {**made, "execution_count": None, "outputs": []} if kind == "code" else made

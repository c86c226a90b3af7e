"""Write docs/paper.md from docs/paper.json: python docs/update_paper.py.

The JSON is what the command writes on all test images:

    shiftloom paper --data FOLDER --json docs/paper.json

A test compares the page with the JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from _markdown import markdown

from shiftloom.codegen.grids import Grid
from shiftloom.paper import digits, levels, savings, table3, vectors
from shiftloom.paper.published import Claim
from shiftloom.paper.result import claims_grid

KEPT = Path(__file__).with_name("paper.json")
TARGET = Path(__file__).with_name("paper.md")
TABLES: dict[str, tuple[Any, Callable[[Any], Grid]]] = {
    "savings": (savings.SavingRow, savings.saving_grid),
    "zeros": (savings.ZeroRow, savings.zero_grid),
    "table3": (table3.AccuracyRow, table3.accuracy_grid),
    "levels": (levels.LevelRow, levels.level_grid),
    "vectors": (vectors.VectorRow, vectors.vector_grid),
    "digits": (digits.DigitRow, digits.digit_grid),
}
ORDER = ("table3", "savings", "levels", "vectors", "digits")
INTRODUCTION = """\
# The paper's experiments

`shiftloom paper` repeats the experiments of Khaliq and Hafiz, "Quality Scalable Quantization
Methodology for Deep Learning on Edge", arXiv:2407.11260, and shows ours beside the published
numbers. This page is made by `docs/update_paper.py` from what the command measured.

```sh
shiftloom paper --data FOLDER
shiftloom paper table3 levels --images 1000 --no-tuning
shiftloom paper digits --weights model.onnx
```

| experiment | what |
| --- | --- |
| `savings` | section VI: memory and DRAM energy by eq. 11 and 12; weights that are zero |
| `digits` | fig. 11: non-zero bits and signed digits of any `.npz`, ONNX or `.pt` file |
| `table3` | table III and section VI: accuracy quantized, and with the classifier trained |
| `levels` | fig. 7: accuracy against φ, all layers and each convolution alone |
| `vectors` | fig. 8 to 10: vectors of 2 to 64 weights, with 2 and 3 bits |

A run writes `paper.html`, `paper.json`, a CSV file of each kind of rows and the plots to
`out/paper`. LeNet-5 is measured on the 10,000 test images of MNIST that ship, the ConvNet on the
first 1,000 test images of CIFAR-10 in `--data`, which also holds both training sets and SqueezeNet.
What is not there is named, and the rest is measured. All of it takes seven minutes of one
core, most of them to train the classifiers.

Every accuracy is that of the integer golden model, which the hardware equals, with 8-bit
activations. How we read the paper is on [a page of its own](reading-the-paper.md).

- *equal*: every printed digit. *reached*: an accuracy at least as high. *miss*: anything else.
- *eq. 10* are the thresholds of the paper, with γ and δ searched for each layer; *α of eq. 9* is
  its scale taken literally; *least squares* is our default for both.
- Of figures 7 to 11 the paper prints no values, so what its text says of them is checked.

"""
NOTES = {
    "table3": """\
Taken literally, eq. 9 loses the accuracy, as the top level is then near the mean magnitude. The
thresholds of eq. 10 with the least-squares scale stay behind the published accuracies until the
classifier is trained; least squares exceeds those of 3 bits without. With 2 bits and one α for all
filters the ConvNet fails until its classifier is trained; behind eq. 10 it misses even then.

Our LeNet-5 is better in float than the paper's to begin with, and the ConvNet's float accuracy is
not published, so *reached* does not mean that less is lost.
""",
    "savings": """\
88.82 % and 91.95 % come out exactly, of the ConvNet's convolutions. The paper's LeNet is not
described, and its 82.4919 % is not the saving of the usual LeNet-5. Nor do we find its 6 % more
zeros: a third of the weights takes the level 0.
""",
    "levels": """\
The first convolution suffers most in the ConvNet. On LeNet-5 a convolution alone costs 0.6 points
at most.
""",
    "vectors": """\
Longer vectors save more. In the ConvNet they are mostly less accurate; on LeNet-5 the length hardly
matters with 3 bits, and with 2 bits vectors of 4 weights are the worst. N = 64 is one vector a
position in all convolutions. That 3 bits are far better than 2 at every N holds for the ConvNet.
On LeNet-5 vectors of 2 weights lose only 0.26 points with 2 bits, so there it does not.
""",
    "digits": """\
Words of 16 bits are the default of MATLAB's `fi`, which the paper used; 8 bits are the widest
weights that our hardware multiplies by.
""",
}


def page(found: dict[str, Any]) -> str:
    """The page as it must be for this JSON."""
    parts = [INTRODUCTION]
    for name in ORDER:
        experiment = found["experiments"][name]
        parts.append(f"## {experiment['title']}\n\n{NOTES[name]}\n")
        parts += [f"{markdown(_grid(kind, rows))}\n\n" for kind, rows in experiment["rows"].items()]
    claims = [Claim(**row) for name in ORDER for row in found["experiments"][name]["claims"]]
    parts.append(f"## What the paper says\n\n{markdown(claims_grid(claims))}\n")
    return "".join(parts)


def _grid(kind: str, rows: list[dict[str, Any]]) -> Grid:
    row, made = TABLES[kind]
    return made([row(**each) for each in rows])


def main() -> None:
    """Write the page."""
    TARGET.write_text(page(json.loads(KEPT.read_text("utf-8"))), "utf-8")


if __name__ == "__main__":
    main()

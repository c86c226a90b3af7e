"""Table III and section VI: accuracy after quantization, and with the classifier trained alone."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from shiftloom.codegen.coding.fitted_file import read_fitted
from shiftloom.codegen.fitted import Fitted
from shiftloom.codegen.grids import NONE, Grid, grid, number, percent
from shiftloom.models.recipe import load_recipe
from shiftloom.paper import plots, published
from shiftloom.paper.bench import (
    BITS,
    PHIS,
    RULES,
    TITLES,
    TUNED_RULES,
    Advance,
    Bar,
    Bench,
    Settings,
    qsq,
)
from shiftloom.paper.published import Claim, Published, claim
from shiftloom.paper.result import Result

NAME = "table3"
EPOCHS = {"lenet5": (5, 20), "convnet": (1,)}
"""Of training the classifier; the paper gives none for its ConvNet."""


@dataclass(frozen=True, slots=True)
class AccuracyRow:
    """A network, how it was made, and the share of test images it classifies right.

    `epochs` of training were those of the classifier alone.
    """

    network: str
    step: str
    bits: int
    rule: str
    epochs: int
    images: int | None
    accuracy: float | None
    published_percent: float | None
    place: str
    verdict: str


@dataclass(frozen=True, slots=True)
class _Step:
    """A row to be measured."""

    step: str
    phi: int
    rule: str
    epochs: int
    published: Published | None

    @property
    def settings(self) -> Settings:
        return {**qsq(self.phi), **RULES[self.rule]}


def run(benches: Sequence[Bench], bar: Bar, tuning: bool = True) -> Result:
    """Measure every row; `tuning` says whether classifiers are trained."""
    rows: list[AccuracyRow] = []
    absent: list[str] = []
    for bench in benches:
        steps = tuple(_steps(bench.network))
        still = [step for step in steps if not step.epochs]
        with bar(f"Table III: {bench.title}") as advance:
            for done, step in enumerate(still, 1):
                rows.append(_row(bench, step, _accuracy(bench, step)))
                advance(done, len(still))
        reason = "left out by --no-tuning" if not tuning else bench.untrainable
        for step in steps:
            if step.epochs and tuning:
                is_measured = not (bench.absent or reason)
                rows.append(_row(bench, step, _trained(bench, step, bar) if is_measured else None))
        if bench.absent:
            absent.append(f"{bench.title}: {bench.absent}")
        elif reason:
            absent.append(f"{bench.title}, classifier trained: {reason}")
    return Result(
        NAME,
        "Table III and section VI: accuracy",
        "Test images classified right by the integer golden model, with 8-bit activations. "
        "One α is shared by all filters. LeNet-5 is quantized throughout, of the ConvNet the "
        "convolutions are, and the classifier has 8-bit integers. The paper does not say whether "
        "the ConvNet's classifier was trained again.",
        {NAME: tuple(rows)},
        (accuracy_grid(rows),),
        plots.table3([(_label(row), row.published_percent, row.accuracy) for row in rows]),
        _claims(rows),
        tuple(absent),
    )


def _steps(network: str) -> Iterator[_Step]:
    float_number = published.LENET_FLOAT if network == "lenet5" else None
    yield _Step("float", 4, "least squares", 0, float_number)
    for phi in PHIS[network]:
        number = published.CONVNET_ACCURACY[BITS[phi]]
        for rule in RULES:
            known = published.LENET_QUANTIZED if network == "lenet5" else number
            yield _Step("quantized", phi, rule, 0, known)
        for rule, epochs in itertools.product(TUNED_RULES[network], EPOCHS[network]):
            known = published.LENET_TUNED[epochs] if network == "lenet5" else number
            yield _Step("classifier trained", phi, rule, epochs, known)


def _accuracy(bench: Bench, step: _Step) -> float | None:
    if step.step == "float":
        return bench.float_accuracy()
    return bench.accuracy(bench.settings(step.settings))


def _trained(bench: Bench, step: _Step, bar: Bar) -> float | None:
    """The accuracy in integers after the classifier was trained."""
    settings = bench.settings(step.settings)
    label = f"{bench.title}, {BITS[step.phi]} bits: classifier, {_epochs(step.epochs)}"
    with bar(label) as advance:
        return bench.accuracy(settings, tuned(bench, settings, step.epochs, advance))


def tuned(bench: Bench, settings: Settings, epochs: int, advance: Advance) -> Fitted:
    """Weights after the classifier alone was trained by its recipe for some `epochs`.

    All other layers stay at the codes of their quantizer.
    """
    from shiftloom.training import Job

    name = f"{bench.network}_classifier"
    recipe = load_recipe(name)
    assert recipe.tuning is not None
    tuning = recipe.tuning.model_copy(update={"quantization": settings})
    job = Job(name, recipe.model_copy(update={"epochs": epochs, "tuning": tuning}), bench.data)
    with tempfile.TemporaryDirectory(prefix="shiftloom-") as folder:
        found = job.run(Path(folder), on_batch=advance)
        return read_fitted(found.path.read_bytes(), found.path.name)


def _row(bench: Bench, step: _Step, accuracy: float | None) -> AccuracyRow:
    known = step.published
    is_float = step.step == "float"
    return AccuracyRow(
        bench.network,
        step.step,
        32 if is_float else BITS[step.phi],
        "" if is_float else step.rule,
        step.epochs,
        bench.count,
        accuracy,
        known.percent if known else None,
        known.place if known else "",
        known.verdict(accuracy) if known else "",
    )


def _claims(rows: Sequence[AccuracyRow]) -> tuple[Claim, ...]:
    return tuple(
        claim(
            f"Training the classifier alone regains accuracy ({name})",
            "section IV.A",
            *regained([row for row in rows if row.network == network]),
        )
        for network, name in TITLES.items()
        if any(row.network == network for row in rows)
    )


def regained(rows: Sequence[AccuracyRow]) -> tuple[bool | None, str]:
    """Whether every trained row is above the one that it started from, and the numbers."""
    pairs = [
        (start, row)
        for row in rows
        for start in rows
        if row.epochs and start.step == "quantized"
        if (start.rule, start.bits) == (row.rule, row.bits)
    ]
    known = [
        (start.accuracy, row.accuracy, row)
        for start, row in pairs
        if start.accuracy is not None and row.accuracy is not None
    ]
    if not known:
        return None, ""
    evidence = (
        f"{row.bits} bits, {row.rule}, {_epochs(row.epochs)}: "
        f"{percent(low, 2)} → {percent(high, 2)}"
        for low, high, row in known
    )
    return all(high > low for low, high, _ in known), "; ".join(evidence)


def _epochs(count: int) -> str:
    return f"{count} epoch{'s' if count > 1 else ''}"


def _label(row: AccuracyRow) -> str:
    name = TITLES[row.network]
    if row.step == "float":
        return f"{name}, float"
    after = f", {row.epochs} ep." if row.epochs else ""
    return f"{name} {row.bits} bit, {row.rule}{after}"


def accuracy_grid(rows: Sequence[AccuracyRow]) -> Grid:
    """Published beside ours."""
    cells = (
        (
            TITLES[row.network],
            row.step,
            number(row.bits),
            row.rule or NONE,
            number(row.epochs or None),
            published.shown(row.published_percent),
            percent(row.accuracy, 2),
            number(row.images),
            row.verdict or NONE,
        )
        for row in rows
    )
    return grid(
        "Accuracy", "Network|Step|#Bits|Rule|#Epochs|#Published|#Ours|#Images|Verdict", cells
    )

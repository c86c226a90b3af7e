"""The `onnx` package's own cases: none may be silently wrong, and no fewer may pass than today."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
from onnx_conformance import counts, results

FLOORS = {
    "node": (158, 130),
    "pytorch-converted": (54, 50),
    "pytorch-operator": (13, 11),
    "simple": (1, 1),
}
"""Cases that pass in float, and of these in integers."""


@pytest.mark.parametrize("kind", FLOORS)
def test_cases_pass_or_are_refused(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = list(results(kind))
    passed, refused, wrong, *integers = counts(found)
    with capsys.disabled():
        print(
            f"\nonnx {kind}: {len(found)} cases; float {passed} pass, {refused} refused, "
            f"{wrong} wrong; "
            f"integers {integers[0]} pass, {integers[1]} refused, {integers[2]} wrong"
        )
    verdicts = [verdict for r in found for verdict in (r.real, r.integers) if verdict]
    assert [verdict for verdict in verdicts if verdict.word == "wrong"] == []
    assert passed >= FLOORS[kind][0]
    assert integers[0] >= FLOORS[kind][1]
    assert all(verdict.reason for verdict in verdicts if verdict.word == "refused")

"""The `onnx` package's own cases: none may be silently wrong, and no fewer may pass than today."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
from onnx_conformance import results

FLOORS = {"node": 158, "pytorch-converted": 54, "pytorch-operator": 13, "simple": 1}


@pytest.mark.parametrize("kind", FLOORS)
def test_cases_pass_or_are_refused(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = list(results(kind))
    counts = Counter(result.verdict for result in found)
    with capsys.disabled():
        print(f"\nonnx {kind}: {dict(counts)} of {len(found)}")
    assert [result for result in found if result.verdict == "wrong"] == []
    assert counts["pass"] >= FLOORS[kind]
    assert all(result.reason for result in found if result.verdict == "refused")

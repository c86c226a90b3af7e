"""The experiments load networks by torch and draw by altair."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("altair")

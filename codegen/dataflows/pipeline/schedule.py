"""The pipeline scheduler is that of `streaming`: only the foldings of convolutions are others.

`streaming/foldings.py` asks the dataflow of every layer, so that one network may mix both.
"""

from __future__ import annotations

from shiftloom.codegen.dataflows.streaming.schedule import schedule, units_of

__all__ = ["schedule", "units_of"]

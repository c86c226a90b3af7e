"""Hints for a name that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str:
    """`did you mean 'b'? known: a, b` (the question only where something is close)."""
    names = sorted(known)
    folded = {candidate.casefold(): candidate for candidate in names}
    close = get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    question = f"did you mean {folded[close[0]]!r}? " if close else ""
    return f"{question}known: {', '.join(names)}"

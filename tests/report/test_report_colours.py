"""Contrast of the report's colours, by the formula of WCAG 2.2."""

from __future__ import annotations

import re
from importlib import resources

import pytest

TEXT, GRAPHIC = 4.5, 3.0
"""Least contrast of text (AA) and of graphics."""
CSS = (resources.files("shiftloom.templates") / "report" / "report.css").read_text("utf-8")
THEMES = [dict(re.findall(r"--(\w+): (#\w{6});", block)) for block in CSS.split("@media")[:2]]


def _luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return sum(w * v for w, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(a: str, b: str) -> float:
    """Between 1 and 21."""
    dark, light = sorted((_luminance(a), _luminance(b)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_formula() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") < TEXT < contrast("#767676", "#ffffff")


@pytest.mark.parametrize("theme", THEMES, ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "card", "soft"])
def test_colours_can_be_read(theme: dict[str, str], ground: str) -> None:
    for text in ("ink", "muted", "accent", "mark"):
        assert contrast(theme[text], theme[ground]) >= TEXT, text
    for graphic in ("bar", "bar2", "bar3", "bar4", "mark"):
        assert contrast(theme[graphic], theme[ground]) >= GRAPHIC, graphic


def test_every_colour_has_both_themes_and_is_defined() -> None:
    assert THEMES[0].keys() == THEMES[1].keys()
    assert set(re.findall(r"var\(--(\w+)\)", CSS)) <= THEMES[0].keys()

"""Objects of JSON files whose values are taken one by one, each of the kind that is expected."""

from __future__ import annotations

from typing import Any

from shiftloom.host.errors import DesignError, shown

_LARGEST = 1e300


class Entry:
    """An object of a JSON file; what it lacks, or has of another kind, is refused by its place."""

    def __init__(self, values: Any, place: str) -> None:
        if not isinstance(values, dict):
            raise DesignError(f"{place}: is no object")
        self._values, self._place = values, place

    def wrong(self, name: str, expected: str) -> DesignError:
        """The refusal of a value."""
        found = shown(self._values.get(name))
        return DesignError(f"{self._place}: {name} is {found}, expected {expected}")

    def get(self, name: str, kind: type) -> Any:
        """A value of exactly this type: True is no integer."""
        value = self._values.get(name)
        if type(value) is not kind:
            raise self.wrong(name, f"a value of type {kind.__name__}")
        return value

    def text(self, name: str) -> str:
        """A string."""
        return str(self.get(name, str))

    def whole(self, name: str, least: int | None = None, most: int | None = None) -> int:
        """An integer in a range."""
        value = int(self.get(name, int))
        if (least is not None and value < least) or (most is not None and value > most):
            raise self.wrong(name, f"{least} or more" if most is None else f"{least} to {most}")
        return value

    def numbers(self, name: str) -> list[Any]:
        """A number, or a list of them."""
        found: Any = self._values.get(name)
        values = found if isinstance(found, list) else [found]
        if not all(type(each) in (int, float) and abs(each) <= _LARGEST for each in values):
            raise self.wrong(name, "numbers")
        return values

    def sizes(self, name: str, least: int = 1) -> tuple[int, ...]:
        """One or more integers, none of them below `least`."""
        values = self.numbers(name)
        if not values or any(type(each) is not int or each < least for each in values):
            raise self.wrong(name, f"sizes of {least} or more")
        return tuple(values)

    def entry(self, name: str) -> Entry:
        """An object."""
        return Entry(self._values.get(name), f"{self._place}: {name}")

    def entries(self, name: str) -> list[Entry]:
        """A list of objects."""
        values = self._values.get(name)
        if not isinstance(values, list):
            raise self.wrong(name, "a list")
        return [Entry(v, f"{self._place}: {name}[{i}]") for i, v in enumerate(values)]

    def named(self, name: str) -> dict[str, Entry]:
        """An object of objects."""
        values = self._values.get(name)
        if not isinstance(values, dict):
            raise self.wrong(name, "an object")
        return {key: Entry(value, f"{self._place}: {name}.{key}") for key, value in values.items()}

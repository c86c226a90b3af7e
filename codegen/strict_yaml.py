"""YAML that means what it says: no aliases, no key twice, every refusal with its place."""

from __future__ import annotations

from typing import Any

import yaml

_WRONG = (ValueError, LookupError, AttributeError, TypeError, ArithmeticError)
"""What constructors of PyYAML raise for a text that is no value of its tag."""
_MERGE = "tag:yaml.org,2002:merge"


def load(text: str) -> Any:
    """The plain data of a document; raises ValueError with line and column for anything else.

    A value cannot be an alias of another one: a file of a few lines could stand for any amount.
    """
    try:
        return yaml.load(text, _Loader)
    except yaml.reader.ReaderError as error:
        found = f"character {error.character:#x}: {error.reason}"
        raise ValueError(f"{_place(text, error.position)}: {found}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = " ".join(f"{error.context or ''} {error.problem or ''}".split())
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ValueError(place + words[:120]) from error


def _place(text: str, position: int) -> str:
    before = text[:position]
    return f"line {before.count(chr(10)) + 1}, column {position - before.rfind(chr(10))}"


def _none(node: yaml.Node) -> str:
    return f"this is no {node.tag.rpartition(':')[2]}"


class _Loader(yaml.SafeLoader):
    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "write the value, not an alias", mark)
        return super().compose_node(parent, index)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except _WRONG as error:
            said = str(error).partition(";")[0] if isinstance(error, ValueError) else _none(node)
            raise yaml.constructor.ConstructorError(None, None, said, node.start_mark) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
                name = self.construct_object(key)
                if name in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, "this key was given before", key.start_mark
                    )
                seen.add(name)
        return super().construct_mapping(node, deep)

"""Renders the files of a build from templates, each from one frozen value and nothing else."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_LINE_STATEMENTS = {
    **dict.fromkeys(("sv", "v", "cpp", "hpp"), "//%"),
    **dict.fromkeys(("tcl", "xdc", "py"), "#%"),
}


@cache
def _environment(line_statement_prefix: str | None, escape: bool) -> Environment:
    """Delimiters foreign to SystemVerilog, C++, Tcl and CSS; a missing name is an error.

    Source text is not escaped, its identifiers are checked by `names`; HTML is, it shows any name.
    """
    return Environment(
        loader=PackageLoader("shiftloom.templates", ""),
        undefined=StrictUndefined,
        autoescape=escape,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        variable_start_string="@{",
        variable_end_string="}@",
        block_start_string="@%",
        block_end_string="%@",
        comment_start_string="@#",
        comment_end_string="#@",
        line_statement_prefix=line_statement_prefix,
    )


def ranges(*widths: int) -> tuple[str, ...]:
    """`[width-1:0]` of each bus, padded to the longest, and as many blanks for a single wire."""
    texts = [f"[{width - 1}:0]" for width in widths]
    longest = max(map(len, texts))
    return tuple(text.ljust(longest) for text in (*texts, ""))


def render(template_name: str, context: DataclassInstance) -> str:
    """The text of `template_name` (as "rtl/rom.sv.j2"), its names the fields of `context`.

    The same value gives the same bytes. Raises jinja2.UndefinedError where the template asks for
    a name that the context lacks, which is our own bug.
    """
    suffix = template_name.removesuffix(".j2").rpartition(".")[2]
    environment = _environment(_LINE_STATEMENTS.get(suffix), suffix == "html")
    template = environment.get_template(template_name)
    values: dict[str, Any] = {field.name: getattr(context, field.name) for field in fields(context)}
    return template.render(values)

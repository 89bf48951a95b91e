"""The fixed sentences that the server may show on a page, read from the sources: each with `{}` for what differs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOT_ON_A_PAGE = re.compile(
    r"remote_video/(command_line|sandbox)/|__main__|console|"
    r"ledger/(tables|statements|salvage|move)|catalogue/(refresh|store|ask|widget_schema)|nodes/(comfy_host|routes)"
)
"""The terminal's words, the sandbox's, and what goes to the log alone."""
NODE_TEXTS = {"Text", "Choice", "Number", "Seed", "Flag", "Picture", "Footage", "Sound", "Repeated", "Json", "Elements"}
NODE_TEXTS |= {"Input", "Output", "Schema", "schema", "TemplatePrefix", "TemplateNames", "Option"}
NODE_NAMES = {"TITLE", "ABOUT", "ALIASES"}
"""What is made with these, or called so, is translated by ComfyUI (locales/)."""
LOGS = {"debug", "info", "warning", "error", "exception", "log"}
FAULTS = {"ValueError", "TypeError", "RuntimeError", "AssertionError", "KeyError", "ImportError", "LookupError"}
FAULTS |= {"compile"}
"""A fault of ours, which no page shows in its own words; patterns."""
PROGRAM = re.compile(
    r"^\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|PRAGMA|BEGIN|DROP|ALTER|WITH|VALUES)\b|\(\?|\\[bdsw]|%s|; charset"
)
IN_PLACES = {
    *("Next: ", "Request id: ", " or ", " and ", " to ", "; ", "day", "month", "read", "written", "made", "cancelled"),
    *("it", "one", "shot", "element", "image", "video", "text", "characters", "items", "entries", "width", "height"),
    *("a number", "a list", "a text", "a file", "empty", "running", "about {}", "and {}"),
}
"""What stands in places of sentences, or between them, and is too short to be known for one."""


def templates() -> set[str]:
    """Every sentence, or part of one."""
    files = sorted([*(ROOT / "remote_video").rglob("*.py"), *(ROOT / "nodes").glob("*.py")])
    return {
        text
        for file in files
        if not NOT_ON_A_PAGE.search(file.relative_to(ROOT).as_posix())
        for text in _of(ast.parse(file.read_text(encoding="utf-8")))
        if _is_prose(text)
    } | IN_PLACES


def _is_prose(text: str) -> bool:
    words = re.findall(r"[A-Za-z']{2,}", text.replace("{}", " "))
    least = 1 if "{}" in text else 2
    return len(words) >= least and " " in text.strip(" {}") + " " * ("{}" in text) and not PROGRAM.search(text)


def _of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield re.sub(r"\{\w+\}", "{}", node.value)
    elif isinstance(node, ast.JoinedStr):
        yield "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                yield from _of(part.value)
    elif isinstance(node, ast.Call) and _name(node.func) in NODE_TEXTS | LOGS | FAULTS:
        return
    elif isinstance(node, ast.Assign) and {_name(target) for target in node.targets} <= NODE_NAMES:
        return  # a node's
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    else:
        for inner in ast.iter_child_nodes(node):
            yield from _of(inner)


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")

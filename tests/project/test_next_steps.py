"""Every "Next:" of the pack, read as a sentence on its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACK = Path(__file__).resolve().parents[2]
FILES = sorted([*(PACK / "remote_video").rglob("*.py"), *(PACK / "nodes").glob("*.py")])
NAMES = ("next_step", "usual_next_step")
CONNECTING = ("Then", "And", "Or", "But", "So", "Also", "Do so")


def next_steps(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in NAMES:
            yield node.value
        elif isinstance(node, ast.Assign):
            targets = {getattr(target, "attr", getattr(target, "id", "")) for target in node.targets}
            if targets & set(NAMES):
                yield node.value


def texts(value: ast.expr, tree: ast.Module) -> Iterator[str]:
    """What a value can be, as far as its file tells: what else is put in stands as a brace, in the middle."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from (*texts(value.body, tree), *texts(value.orelse, tree))
    elif isinstance(value, ast.BoolOp):
        yield from (text for one in value.values for text in texts(one, tree))
    elif isinstance(value, ast.JoinedStr):
        yield from joined(value.values, tree)
    elif isinstance(value, ast.Name):
        yield from known(value.id, tree)


def joined(parts: list[ast.expr], tree: ast.Module) -> list[str]:
    found = [""]
    for part in parts:
        inner = part.value if isinstance(part, ast.FormattedValue) else part
        found = [before + after for before in found for after in ([*texts(inner, tree)] or ["{}"])]
    return found


def known(name: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(getattr(target, "id", "") == name for target in node.targets):
            yield from texts(node.value, tree)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(PACK).as_posix())
def test_each_next_step_is_a_sentence_that_needs_no_other_one(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for value in next_steps(tree):
        for text in texts(value, tree):
            assert text.startswith("{}") or text[:1].isupper(), text
            assert text.endswith((".", ".)", "{}")), text
            assert not any(text.startswith((f"{word} ", f"{word},")) for word in CONNECTING), text

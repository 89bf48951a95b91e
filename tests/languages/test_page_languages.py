"""The tables of the page's languages: nothing missing, nothing left over, and every place where the English has it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from .served_sentences import ROOT, templates

WEB = ROOT / "web"
TABLES = {path.stem: path for path in sorted((WEB / "languages").glob("*.json"))}
PLURALS = {
    **{locale: {"other"} for locale in ("zh", "zh-TW", "ja", "ko")},
    **{locale: {"one", "many", "other"} for locale in ("fr", "es", "pt-BR")},
    "ru": {"one", "few", "many", "other"},
    "ar": {"zero", "one", "two", "few", "many", "other"},
}
"""The forms of whole numbers (CLDR)."""
CALL = re.compile(r"(?<![\w.])t\(\s*")
LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"')


def texts_of_the_page() -> Iterator[str]:
    """What is given to `t(...)`."""
    for path in WEB.glob("*.js"):
        source = path.read_text(encoding="utf-8")
        for call in CALL.finditer(source):
            literal = LITERAL.match(source, call.end())
            assert literal, f"{path.name}: t() is given what is no text in double quotes: {source[call.start() :][:80]}"
            yield json.loads(literal[0])


def is_sentence(text: str) -> bool:
    """Whole by itself: what a part of one says is up to each language's sentences."""
    return text.endswith(".") and text[0] in "{`" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" and len(text.split()) > 2


@pytest.fixture(scope="module")
def page() -> set[str]:
    return set(texts_of_the_page())


@pytest.fixture(scope="module")
def served() -> set[str]:
    return templates()


def test_there_is_a_table_for_every_locale_that_is_offered():
    offered = re.search(r"LOCALES = (\[.*?\]);", (WEB / "text.js").read_text(encoding="utf-8"))
    assert offered and set(json.loads(offered[1])) == set(TABLES) == set(PLURALS)


@pytest.mark.parametrize("locale", PLURALS)
def test_a_table_has_every_text_and_no_other(locale: str, page: set[str], served: set[str]):
    table = json.loads(TABLES[locale].read_text(encoding="utf-8"))
    missing = (page | {text for text in served if is_sentence(text)}) - table.keys()
    stale = table.keys() - page - served
    assert (sorted(missing), sorted(stale)) == ([], [])


@pytest.mark.parametrize("locale", PLURALS)
def test_a_translation_has_the_places_and_the_plural_forms_of_its_text(locale: str):
    for english, found in json.loads(TABLES[locale].read_text(encoding="utf-8")).items():
        is_plural = "|" in english and "{count}" in english
        assert (set(found) if isinstance(found, dict) else None) == (PLURALS[locale] if is_plural else None), english
        numbered = {str(place) for place in range(english.count("{}"))}
        places = numbered | set(re.findall(r"\{(\w+)\}", english))
        for form in found.values() if isinstance(found, dict) else [found]:
            there = set(re.findall(r"\{(\w*)\}", form))
            assert form.strip() and places - ({"count"} if is_plural else set()) <= there <= places, english

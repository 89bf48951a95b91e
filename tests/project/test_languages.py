"""Node texts in ComfyUI's nine other languages: all there, none of another English, made into what ComfyUI serves."""

from __future__ import annotations

import re

import pytest

from .node_words import LOCALES, WORDS, Words, files, locales, made, numbers, read, registered

TRANSLATED = ["ar", "es", "fr", "ja", "ko", "pt-BR", "ru", "zh", "zh-TW"]


@pytest.fixture(params=TRANSLATED)
def words(request: pytest.FixtureRequest) -> Words:
    asked = Words(request.param)
    asked.files()
    return asked


def test_the_languages_are_comfyuis() -> None:
    assert locales() == TRANSLATED


def test_every_text_has_its_translation_and_every_translation_its_text(words: Words) -> None:
    there = {(kind, name) for kind, section in words.table.items() for name in section}
    needed = {(kind, name) for kind, name in words.asked if kind != "offered"}
    offered = {("inputs", name) for kind, name in words.asked if kind == "offered"}
    untranslated, unsaid = sorted(needed - there), sorted(there - needed - offered)
    file = f"locales/{words.locale}/words.json"
    assert not untranslated, f"{file}: translate these, then `make words`:\n{listed(untranslated)}"
    assert not unsaid, f"{file}: no node says these; remove them, or translate what they became:\n{listed(unsaid)}"


def listed(texts: list[tuple[str, str]]) -> str:
    return "\n".join(f"{kind}: {text}" for kind, text in texts)


def test_what_comfyui_serves_is_what_the_tables_say() -> None:
    wanted = dict(made())
    there = {file: read(file) for file in LOCALES.glob("*/*.json") if file.name != WORDS}
    assert there == wanted, "`make words` writes them"


def test_limits_names_and_places_for_numbers_are_kept(words: Words) -> None:
    labels = words.table["inputs"], words.table["outputs"]
    for english, said in words.table["texts"].items():
        assert numbers(english) <= numbers(said), said
        assert re.findall(r"\{\w+\}", said) == re.findall(r"\{\w+\}", english), said
        named = set(re.findall(r"`([^`]*)`", said))
        shown = [{table.get(name, name) for table in labels} for name in re.findall(r"`([^`]*)`", english)]
        assert all(named & labels_of_it for labels_of_it in shown), said
        assert named <= set().union(*shown), said
    for name, label in {**labels[0], **labels[1]}.items():
        assert ("{number}" in label) == ("{number}" in name), label


def test_no_text_was_left_in_english(words: Words) -> None:
    sentences = {english: said for english, said in words.table["texts"].items() if english.endswith(".")}
    assert not [said for english, said in sentences.items() if said == english and "..." not in said]
    assert all(said.strip() == said and said for section in words.table.values() for said in section.values())


def test_no_text_has_what_the_frontend_takes_for_its_own_signs(words: Words) -> None:
    """vue-i18n reads a plural at "|", a link at "@", a place at "{": the older frontend compiles every one."""
    for tree in words.files().values():
        assert not re.findall(r"[|@{}]", "".join(strings(tree)))


def strings(tree: object) -> list[str]:
    return [text for part in tree.values() for text in strings(part)] if isinstance(tree, dict) else [str(tree)]


def test_a_changed_english_text_has_no_translation() -> None:
    asked = Words("zh")
    assert asked.say("texts", "What happens in shot 2.") != "What happens in shot 2."
    assert asked.say("texts", "What happens in shot 2, then.") == "What happens in shot 2, then."
    assert "What happens in shot {number}, then." not in asked.table["texts"]


def test_the_browsers_commands_are_found_in_its_modules() -> None:
    assert ("RemoteVideo.Accounts", "Remote Video: Accounts...") in registered("label")
    assert files(None).keys() == {"main.json"}

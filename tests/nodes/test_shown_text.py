"""A node's text is letters on every frontend: no tag, no link, no picture, no emphasis."""

from __future__ import annotations

import html.parser

import pytest
from remote_video_pack.nodes.shown_text import as_letters

WORDS = [
    "<img src=x onerror=alert(1)>",
    "</div><script>alert(1)</script>",
    "a < b && c > d; &lt;b&gt;",
    "[Top up](http://evil.example) ![x](https://evil.example/x.png)",
    "[[Top up|https://evil.example]]",
    "see https://evil.example, www.evil.example or mail a@evil.example",
    "_test_00001_.mp4: $1.80 | an-id",
    "# Title\n> quote\n1. one\n- two",
    "C:\\clips\\_new_\\a.mp4",
    "*a* **b** `c` ~~d~~ __e__ _f_",
    "| a | b |\n| - | - |\n| 1 | 2 |",
]


class Tags(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    handle_endtag = handle_starttag  # type: ignore[assignment]

    def handle_comment(self, data: str) -> None:
        self.tags.append("!")

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("words", WORDS)
def test_as_html_it_is_the_letters_it_was_and_no_tag(words: str):
    parser = Tags()
    parser.feed(as_letters(words))
    parser.close()
    assert parser.tags == []
    assert parser.text == words


@pytest.mark.parametrize("words", WORDS)
def test_as_markdown_it_is_the_letters_it_was(words: str):
    markdown = pytest.importorskip("markdown_it", reason="the Markdown reader is not installed")
    reader = markdown.MarkdownIt("gfm-like")
    tokens = [inner for token in reader.parse(as_letters(words)) for inner in (token.children or [token])]
    kinds = {token.type for token in tokens} - {"paragraph_open", "paragraph_close", "text", "softbreak", "inline"}
    assert kinds == set()
    said = "\n".join(
        "".join(t.content or ("\n" if t.type == "softbreak" else "") for t in (token.children or ()))
        for token in reader.parse(as_letters(words))
        if token.children
    )
    assert said == words


@pytest.mark.parametrize(
    "text", ["Veo3I2V_00001_.mp4: $1.80 | 55dedc42-fca3-48d1", "in the queue (place 3) | 0:08 | usually 1:40"]
)
def test_names_and_ids_stay_as_programs_look_for_them(text: str):
    assert as_letters(text) == text

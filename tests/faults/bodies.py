"""What can be wrong with an API's answer as a document: HTML, a redirect, or JSON that is none, or too much."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

from .answer import Answer
from .fault import COMET, JSON_ROUTES, RUNCOMFY, Alter, Call, Fault, paired

HTML = b"<!doctype html><html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>\n"
HTML_TYPE = "text/html; charset=utf-8"
HUGE_BYTES = 64 * 1024 * 1024
BOMB_BYTES = 1024 * 1024 * 1024
DEEP_LEVELS = 200_000
MIB = 1024 * 1024
API_ROUTES = (*RUNCOMFY, *COMET)


def _body(data: bytes, content_type: str | None = None, status: int | None = None) -> Alter:
    def alter(answer: Answer, call: Call) -> Answer:
        return replace(answer.with_body(data, content_type), status=status or answer.status)

    return alter


def _invalid(answer: Answer, call: Call) -> Answer:
    return answer.with_body(answer.body[:-1] + b",,}")


def _redirect(status: int) -> Alter:
    def alter(answer: Answer, call: Call) -> Answer:
        return Answer(status, HTML, {"Content-Type": HTML_TYPE, "Location": call.request.origin + "/elsewhere"})

    return alter


def _huge(answer: Answer, call: Call) -> Answer:
    padding = b'{"padding": "' + b"x" * call.options["bytes"] + b'", '
    return answer.with_body(padding + answer.body.lstrip().removeprefix(b"{"))


def _gzip(answer: Answer, call: Call) -> Answer:
    return answer.with_body(gzip.compress(answer.body, mtime=0)).with_headers(Content_Encoding="gzip")


def _gzip_unlabelled(answer: Answer, call: Call) -> Answer:
    return answer.with_body(gzip.compress(answer.body, mtime=0))


def _gzip_bomb(answer: Answer, call: Call) -> Answer:
    spaces = gzip.compress(b" " * MIB, mtime=0) * (call.options["bytes"] // MIB)
    return answer.with_body(spaces + gzip.compress(answer.body, mtime=0)).with_headers(Content_Encoding="gzip")


def _mislabelled_gzip(answer: Answer, call: Call) -> Answer:
    return answer.with_headers(Content_Encoding="gzip")


def _in_a_list(answer: Answer, call: Call) -> Answer:
    return answer.with_body(b"[" + answer.body + b"]")


def _plain_text_type(answer: Answer, call: Call) -> Answer:
    return answer.with_headers(Content_Type="text/plain; charset=utf-8")


def _not_utf8(answer: Answer, call: Call) -> Answer:
    return answer.with_body(b'{"message": "\xff\xfe\xe9", ' + answer.body.removeprefix(b"{"))


def _byte_order_mark(answer: Answer, call: Call) -> Answer:
    return answer.with_body(b"\xef\xbb\xbf" + answer.body)


_DEEP = b"[" * DEEP_LEVELS + b"]" * DEEP_LEVELS

FAULTS: tuple[Fault, ...] = (
    *paired("html-200", "200 with an HTML page.", API_ROUTES, alter=_body(HTML, HTML_TYPE, 200)),
    *paired(
        "html-as-json",
        "200 with an HTML page that is declared as JSON.",
        API_ROUTES,
        alter=_body(HTML, "application/json", 200),
    ),
    Fault("redirect-301", "301 to another path of the same host.", API_ROUTES, False, alter=_redirect(301)),
    Fault("redirect-307", "307 (repeat the method) to another path.", API_ROUTES, False, alter=_redirect(307)),
    *paired("json-invalid", "JSON with a syntax error at its end.", JSON_ROUTES, alter=_invalid),
    *paired("json-empty", "An empty body.", JSON_ROUTES, alter=_body(b"")),
    *paired("json-null", "The JSON value null.", JSON_ROUTES, alter=_body(b"null")),
    *paired("json-empty-object", "An empty JSON object.", JSON_ROUTES, alter=_body(b"{}")),
    *paired("json-list", "The answer inside a JSON list.", JSON_ROUTES, alter=_in_a_list),
    *paired("json-deep", f"JSON nested {DEEP_LEVELS} deep.", JSON_ROUTES, alter=_body(_DEEP)),
    *paired(
        "json-huge",
        "The true answer after `bytes` of padding inside the JSON.",
        JSON_ROUTES,
        alter=_huge,
        options={"bytes": HUGE_BYTES},
    ),
    *paired("json-not-utf8", "JSON with bytes that are not UTF-8.", JSON_ROUTES, alter=_not_utf8),
    Fault("json-bom", "JSON after a byte order mark.", JSON_ROUTES, alter=_byte_order_mark, harmless=True),
    Fault("json-as-text", "JSON that is declared as plain text.", JSON_ROUTES, alter=_plain_text_type),
    Fault("json-gzip", "JSON compressed with gzip, labelled as such.", JSON_ROUTES, alter=_gzip, harmless=True),
    *paired("json-gzip-unlabelled", "JSON compressed with gzip, not labelled.", JSON_ROUTES, alter=_gzip_unlabelled),
    *paired("json-gzip-mislabelled", "Plain JSON labelled as gzip.", JSON_ROUTES, alter=_mislabelled_gzip),
    *paired(
        "json-gzip-bomb",
        "The true answer after `bytes` of spaces, compressed with gzip to a thousandth.",
        JSON_ROUTES,
        alter=_gzip_bomb,
        options={"bytes": BOMB_BYTES},
    ),
    *paired(
        "json-number-too-long",
        "A JSON number of 100,000 digits.",
        JSON_ROUTES,
        alter=_body(json.dumps({"request_id": "@"}).replace('"@"', "9" * 100_000).encode()),
    ),
)

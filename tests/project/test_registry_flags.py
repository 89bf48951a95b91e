"""What the registry's scan finds in the archive: each finding is known, and has its reason in docs/registry.md.

The scan's rules are not published. These are the patterns that it told publishers of, as they report them at
https://github.com/Comfy-Org/registry-backend/issues (180, 189, 192, 207, 209, 215, 245) and as
`GET https://api.comfy.org/nodes/<name>/versions?include_status_reason=true` tells them of a version. They match the
text, comments and strings included, and some in JavaScript and Markdown, too; one finding of any severity is enough.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import pytest

from .archive import shipped, tracked

ROOT = Path(__file__).resolve().parents[2]
PYTHON = {".py"}
CODE = {".py", ".js"}
TEXT = {*CODE, ".md", ".json", ".toml", ".txt", ".css", ""}
RULES = {
    "python_network_operations": (
        TEXT,
        r"requests\.(get|post|put|patch|delete|head)\s*\(|\b(urlopen|urlretrieve)\s*\(|aiohttp\s*\.\s*ClientSession"
        r"|socket\.socket\s*\(|\.(create_connection|connect|bind|listen)\s*\("
        r"|\.(send|sendall|sendto|recv|recvfrom|recv_into)\s*\(",
    ),
    "python_environment_manipulation": (CODE, r"os\.(environ|getenv|putenv)\b"),
    "python_database_connections": (CODE, r"\b(sqlite3|psycopg2?|pymysql|pymongo|redis)\.connect\s*\("),
    "python_command_injection_risk": (
        CODE,
        r"subprocess\.(Popen|run|call|check_call|check_output)\s*\(|os\.(system|popen|spawn\w*|exec[lv]\w*)\s*\(",
    ),
    "python_dynamic_execution": (PYTHON, r"(?<!\w)(eval|exec)\s*\(|(?<![\w.])compile\s*\("),
    "python_bytecode_manipulation": (PYTHON, r"__import__\s*\(|marshal\.loads?\s*\(|types\.CodeType"),
    "python_privilege_escalation": (PYTHON, r"(?<![\w-])(sudo|pkexec|runas)(?![\w-])"),
    "windows_process_manipulation": (PYTHON, r"OpenProcess\s*\(|VirtualAlloc|WriteProcessMemory"),
    "contains_blacklisted_url": (CODE, r"://raw\.githubusercontent\.com"),
    "contains_rm_rf": (TEXT, r"rm -rf"),
}
"""Of each rule: the endings of the files that it was reported in, and what it looks for."""


def found(name: str, text: str) -> set[tuple[str, str]]:
    """The (rule, file) of one file: the registry tells no more of one rule in one file."""
    ending = PurePosixPath(name).suffix
    return {(rule, name) for rule, (endings, sign) in RULES.items() if ending in endings and re.search(sign, text)}


def known() -> dict[tuple[str, str], str]:
    """The table of the page: the reason of each (rule, file)."""
    page = (ROOT / "docs" / "registry.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) \| (\S+) \| (.+) \|$", page, re.MULTILINE)
    return {(rule, file): reason for rule, file, reason in rows if rule in RULES}


def test_every_finding_has_its_reason_on_the_page_and_the_page_no_other() -> None:
    findings = set().union(*(found(name, text_of(name)) for name in shipped(tracked())))
    new, gone = findings - known().keys(), known().keys() - findings
    assert not new, "take these away, or give the reason in docs/registry.md"
    assert not gone, "these are no longer found: take them out of docs/registry.md"


def text_of(name: str) -> str:
    return (ROOT / name).read_bytes().decode("utf-8", "replace")


def test_the_page_is_in_order_and_each_reason_is_one() -> None:
    page = (ROOT / "docs" / "registry.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?!rule|-)(.+?) \| (.+?) \| .+ \|$", page, re.MULTILINE)
    assert rows == sorted(rows) and len(rows) == len(set(rows)) == len(known())
    assert all(len(reason) >= len("the same") for reason in known().values())


@pytest.mark.parametrize(
    ("name", "text", "rules"),
    [
        ("a.py", "sock.sendall (data)", {"python_network_operations"}),
        ("a.js", "hear = this.hear.bind(this)", {"python_network_operations"}),
        ("docs/a.md", "`node.connect(slot)`, os.environ", {"python_network_operations"}),
        ("a.py", "# os.environ is read elsewhere", {"python_environment_manipulation"}),
        ("a.py", "sqlite3.connect(path)", {"python_network_operations", "python_database_connections"}),
        ("a.py", "subprocess.run([])", {"python_command_injection_risk"}),
        ("a.py", "mx.eval(x)", {"python_dynamic_execution"}),
        ("a.py", "re.compile(x); ast.literal_eval(x)", set()),
        ("a.js", "PATTERN.exec(text)", set()),
        ("a.png", "sock.connect(", set()),
    ],
)
def test_a_finding_is_noticed(name: str, text: str, rules: set[str]) -> None:
    assert {rule for rule, _ in found(name, text)} == rules

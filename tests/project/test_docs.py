"""What README, docs/ and CONTRIBUTING say is so: messages, settings, nodes, links and headings are the code's."""

from __future__ import annotations

import re

import pytest
from remote_video_pack.remote_video.catalogue.catalogue import snapshot
from remote_video_pack.remote_video.models import MODELS
from remote_video_pack.remote_video.providers import PROVIDERS, Provider

from .documented import PAGES, ROOT, headings, links, target
from .node_words import DESCRIBED

NODES = PAGES["docs/nodes.md"]
VARIABLE = re.compile(r"(?:REMOTE_VIDEO|RUNCOMFY|COMETAPI)_[A-Z0-9_]*[A-Z0-9]")
OF_OTHERS = {"RUNCOMFY_API_TOKEN_FILE"}
"""Set by a hoster; the accounts dialog looks for it."""


def source() -> str:
    """The shipped Python, with string literals that stand side by side joined as Python joins them."""
    files = [*(ROOT / "remote_video").rglob("*.py"), *(ROOT / "nodes").rglob("*.py")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    return re.sub(r'"\s*\n\s*f?"', "", text).replace("\\", "").replace("`", "")


def quoted_messages() -> list[str]:
    first_cells = re.findall(r"^\| (`.*?`) (?:\||\()", PAGES["docs/troubleshooting.md"], flags=re.MULTILINE)
    return [
        part.strip() for cell in first_cells for part in re.split("[`\N{HORIZONTAL ELLIPSIS}]", cell) if part.strip()
    ]


def test_there_are_messages_to_look_for() -> None:
    assert len(quoted_messages()) > 40


@pytest.mark.parametrize("message", quoted_messages())
def test_a_quoted_message_is_one_of_the_packs(message: str) -> None:
    assert message in source()


def known_variables() -> set[str]:
    files = ("settings.py", "budget.py", "providers/__init__.py")
    text = "".join((ROOT / "remote_video" / file).read_text(encoding="utf-8") for file in files)
    return set(VARIABLE.findall(text)) - {"REMOTE_VIDEO_S3"}


def test_every_setting_is_explained_once() -> None:
    settings = PAGES["docs/settings.md"]
    assert set(VARIABLE.findall(settings)) == known_variables()
    table = settings.partition("## Environment variables")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[A-Z].*?) \|", table, flags=re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert len(named) == len(set(named))


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda provider: provider.id)
def test_the_variables_of_every_provider_are_in_the_tables(provider: Provider) -> None:
    named = set(re.findall(r"`(\w+)`", PAGES["docs/settings.md"]))
    missing = {*provider.key_variables, provider.base_url_variable} - named
    assert not missing, "docs/settings.md: write them into the table of keys, and of environment variables"


@pytest.mark.parametrize("name", PAGES)
def test_no_setting_is_invented(name: str) -> None:
    assert set(VARIABLE.findall(PAGES[name])) - {"REMOTE_VIDEO_S3"} <= known_variables() | OF_OTHERS


TOLD_OF = [model for model in MODELS if model.node_id in DESCRIBED]


@pytest.mark.parametrize("model", TOLD_OF, ids=lambda model: model.node_id)
def test_a_node_stands_in_the_table_with_its_inputs(model) -> None:
    row = next(line for line in NODES.splitlines() if f"(`{model.node_id}`)" in line)
    for field in model.fields:
        assert field.name == "seed" or f"`{field.name}`" in row


def test_which_of_the_nodes_models_the_catalogue_that_ships_has_is_said() -> None:
    assert f"holds {len(snapshot().entries)} models" in NODES
    has = [model.model_id for model in TOLD_OF if snapshot().get(model.model_id)]
    assert not has, "docs/nodes.md says that it has none of them: change that sentence, and this test"


@pytest.mark.parametrize(("name", "link"), [(name, link) for name, page in PAGES.items() for link in links(page)])
def test_a_link_leads_to_a_file_and_a_heading_that_exist(name: str, link: str) -> None:
    if (found := target(name, link)) is None:
        return
    file, heading = found
    assert file.exists()
    if heading:
        assert heading in headings(file.read_text(encoding="utf-8"))


def test_the_index_has_every_page() -> None:
    index = {found[0] for link in links(PAGES["docs/README.md"]) if (found := target("docs/README.md", link))}
    others = {ROOT / name for name in PAGES if name not in ("README.md", "docs/README.md")}
    assert index == others


def test_the_browser_sends_people_to_headings_that_exist() -> None:
    sources = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "web").glob("*.js"))
    sent = re.findall(r'"(https://github\.com/remote-video/remote-video[^"]*)"', sources)
    assert sent
    for link in sent:
        file, heading = target("README.md", link) or (None, "")
        assert file and file.exists() and heading in headings(file.read_text(encoding="utf-8")), link


def test_nothing_promises_what_the_page_on_reliability_takes_back() -> None:
    """The answer to a submission can be lost, and only the user knows whether to pay again."""
    helps = {file.as_posix(): file.read_text(encoding="utf-8") for file in (ROOT / "web" / "docs").rglob("*.md")}
    for name, text in {**PAGES, **helps, "the code": source()}.items():
        assert not re.search(r"never (be )?(pa(id|ys?)|billed) (again|twice)|paid twice|pays? never", text), name

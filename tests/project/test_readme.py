"""The README says what is so: its messages, settings, nodes and links are the code's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from remote_video_pack.remote_video.catalogue.catalogue import snapshot
from remote_video_pack.remote_video.models import MODELS

from .node_words import DESCRIBED

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def source() -> str:
    """The shipped Python, with string literals that stand side by side joined as Python joins them."""
    files = [*(ROOT / "remote_video").rglob("*.py"), *(ROOT / "nodes").rglob("*.py")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    return re.sub(r'"\s*\n\s*f?"', "", text).replace("\\", "").replace("`", "")


def quoted_messages() -> list[str]:
    table = README.partition("## Troubleshooting, by message")[2].partition("\n## ")[0]
    first_cells = re.findall(r"^\| (`.*?`) (?:\||\()", table, flags=re.MULTILINE)
    return [
        part.strip() for cell in first_cells for part in re.split("[`\N{HORIZONTAL ELLIPSIS}]", cell) if part.strip()
    ]


def test_there_are_messages_to_look_for() -> None:
    assert len(quoted_messages()) > 20


@pytest.mark.parametrize("message", quoted_messages())
def test_a_quoted_message_is_one_of_the_packs(message: str) -> None:
    assert message in source()


def test_every_setting_is_explained_and_none_is_invented() -> None:
    def variables(text: str) -> set[str]:
        return set(re.findall(r"(?:REMOTE_VIDEO|RUNCOMFY|COMETAPI)_[A-Z0-9_]*[A-Z0-9]", text))

    known = variables((ROOT / "remote_video" / "settings.py").read_text(encoding="utf-8"))
    known |= variables((ROOT / "remote_video" / "budget.py").read_text(encoding="utf-8"))
    known |= variables((ROOT / "remote_video" / "providers" / "__init__.py").read_text(encoding="utf-8"))
    assert variables(README) - {"REMOTE_VIDEO_S3"} == known - {"REMOTE_VIDEO_S3"}


TOLD_OF = [model for model in MODELS if model.node_id in DESCRIBED]


@pytest.mark.parametrize("model", TOLD_OF, ids=lambda model: model.node_id)
def test_a_node_stands_in_the_table_with_its_inputs(model) -> None:
    row = next(line for line in README.splitlines() if f"(`{model.node_id}`)" in line)
    for field in model.fields:
        assert field.name == "seed" or f"`{field.name}`" in row


def test_which_of_the_nodes_models_the_catalogue_that_ships_has_is_said() -> None:
    assert f"holds {len(snapshot().entries)} models" in README
    assert not [model.model_id for model in TOLD_OF if snapshot().get(model.model_id)], (
        "the README says: none of the five"
    )


def test_the_links_lead_to_files_that_exist() -> None:
    local = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", README) + re.findall(r'src="(?!https?:)([^"]+)"', README)
    assert local
    assert [link for link in local if not (ROOT / link).exists()] == []


def test_the_links_inside_lead_to_headings() -> None:
    headings = {
        re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", README, flags=re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", README)) <= headings

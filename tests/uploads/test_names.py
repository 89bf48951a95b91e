"""Names of what is put out: they say what it is, and only they are ever removed again."""

from __future__ import annotations

import pytest
from remote_video_pack.remote_video.uploads.names import our_names, unguessable_name


@pytest.mark.parametrize(
    ("mime", "ending"),
    [
        ("image/png", ".png"),
        ("image/jpeg", ".jpg"),
        ("image/webp", ".webp"),
        ("video/mp4", ".mp4"),
        ("audio/wav", ".wav"),
        ("audio/odd", ".bin"),
    ],
)
def test_a_name_ends_as_its_file_and_is_known_again(mime: str, ending: str) -> None:
    name, other = unguessable_name(mime), unguessable_name(mime)
    assert name != other and name.endswith(ending) and len(name) == 64 + len(ending)
    assert our_names(f"{name} {other}") == [name, other]


@pytest.mark.parametrize(
    "kept",
    [None, "", "../x.png", "a.png", "f" * 63 + ".png", "f" * 65 + ".png", "F" * 64 + ".png", "../" + "f" * 64 + ".png"],
)
def test_a_name_that_is_none_of_ours_is_never_removed(kept: str | None) -> None:
    assert our_names(kept) == []

"""What `REMOTE_VIDEO_CLIPS_URL` may hold, and that nothing that opens a store is ever shown."""

from __future__ import annotations

import os

import pytest
from remote_video_pack.remote_video.clips.store_url import store_url
from remote_video_pack.remote_video.errors import SettingsError

SECRET = "wJalrXUtnFEMI"


@pytest.mark.parametrize(
    ("url", "kind", "place", "shown"),
    [
        ("s3://clips", "s3", "s3://clips", "s3://clips"),
        ("s3://clips/studio/a/", "s3", "s3://clips/studio/a", "s3://clips/studio/a"),
        (f"s3://AKIA:{SECRET}@clips/a", "s3", "s3://clips/a", "s3://clips/a"),
        ("s3://AKIA:wJal%2FrXUtnFEMI@clips", "s3", "s3://clips", "s3://clips"),
        (
            f"s3://clips?secret_access_key={SECRET}&endpoint=https://minio.studio:9000",
            "s3",
            "s3://clips",
            "s3://clips?endpoint=https://minio.studio:9000",
        ),
        ("gs://clips/a", "gs", "gs://clips/a", "gs://clips/a"),
        (f"az://studio:{SECRET}@clips", "az", "az://clips", "az://clips?account_name=studio"),
        (f"az://clips?account_name=studio&sas_token={SECRET}", "az", "az://clips", "az://clips?account_name=studio"),
    ],
)
def test_a_url_is_understood_and_shown_without_what_opens_it(url, kind, place, shown):
    known = store_url(url)
    assert (known.kind, known.place, known.shown) == (kind, place, shown)
    assert SECRET not in known.shown + repr(known) + str(known)


def test_keys_before_the_bucket_are_what_they_were_before_they_were_written_as_a_url():
    known = store_url("s3://AKIA%3D:a%2Fb%2Bc%40@clips")
    assert known.options == {"access_key_id": "AKIA=", "secret_access_key": "a/b+c@"}
    assert "a/b+c@" in known.secrets


@pytest.mark.skipif(os.name == "nt", reason="paths of Linux and macOS")
def test_a_folder_is_a_path_of_this_machine():
    known = store_url("file:///mnt/our%20nas/clips")
    assert (known.kind, known.place, known.shown) == ("file", "/mnt/our nas/clips", "file:///mnt/our%20nas/clips")


@pytest.mark.parametrize(
    "url",
    [
        SECRET,
        f"/mnt/{SECRET}",
        f"ftp://{SECRET}/clips",
        "s3://",
        f"s3://AKIA:{SECRET}",
        f"s3://AKIA:{SECRET}/x@clips",
        f"s3://AKIA/{SECRET}@clips",
        f"s3://AKIA:{SECRET}#x@clips",
        f"s3://AKIA:{SECRET}?x@clips",
        f"s3://{SECRET}@clips",
        f"s3://clips?{SECRET}",
        f"s3://clips?{SECRET}=1",
        f"s3://clips?endpoint=https://user:{SECRET}@minio",
        f"gs://user:{SECRET}@clips",
        "file://nas/clips",
        "file:///",
        f"file:///clips?{SECRET}=1",
        f"s3://[{SECRET}",
    ],
)
def test_what_can_not_be_is_refused_and_not_quoted(url):
    with pytest.raises(SettingsError, match="REMOTE_VIDEO_CLIPS_URL") as caught:
        store_url(url)
    assert SECRET not in f"{caught.value} {caught.value.next_step} {caught.value.__cause__}"

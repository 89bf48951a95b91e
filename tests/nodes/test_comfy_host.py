"""What the pack takes from ComfyUI."""

from __future__ import annotations

from pathlib import Path

import folder_paths
from remote_video_pack.nodes import comfy_host


def test_the_ledger_and_the_keys_are_in_a_folder_that_comfyui_does_not_serve(comfy, monkeypatch):
    monkeypatch.delenv("REMOTE_VIDEO_HOME")
    home = comfy_host.settings().home
    assert home == Path(folder_paths.get_system_user_directory("remote_video"))
    served = [
        folder_paths.get_output_directory(),
        folder_paths.get_input_directory(),
        folder_paths.get_temp_directory(),
    ]
    assert not any(home.is_relative_to(folder) for folder in served)

"""Who is wired to a node, read from the prompt as the browser sent it."""

from __future__ import annotations

from remote_video_pack.nodes.comfy_host import outputs_wired_in

PROMPT = {
    "2": {"class_type": "Veo3I2V", "inputs": {"image": ["1", 0], "prompt": "a cat", "seed": 0}},
    "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
    "4": {"class_type": "Kling3I2V", "inputs": {"image": ["2", 4], "elements.element_0": ["9", 0]}},
    "12:3": {"class_type": "PreviewAudio", "inputs": {"audio": ["2", 3]}},
    "5": {"class_type": "Sampler", "inputs": {"sigmas": [2, 0, 1], "pair": ["2", "0"], "size": [512, 512]}},
}


EVERYTHING = list(PROMPT)


def test_links_name_the_outputs():
    assert outputs_wired_in(PROMPT, "2", EVERYTHING) == {0, 3, 4}


def test_a_reader_that_will_not_run_is_not_wired():
    assert outputs_wired_in(PROMPT, "2", ["2", "12:3"]) == {3}


def test_a_reader_counts_that_runs_for_another_ones_sake():
    prompt = {**PROMPT, "6": {"class_type": "SaveVideo", "inputs": {"video": ["4", 2]}}}
    assert outputs_wired_in(prompt, "2", ["6"]) == {4}


def test_values_that_only_look_like_links_are_none():
    assert outputs_wired_in(PROMPT, "5", EVERYTHING) == frozenset()


def test_a_node_the_prompt_does_not_know_is_unknown():
    assert outputs_wired_in(PROMPT, "2.0.0.1", EVERYTHING) is None

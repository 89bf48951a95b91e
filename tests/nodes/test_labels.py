"""What inputs are called on the nodes, and what the browser is told of models."""

from __future__ import annotations

from remote_video_pack.nodes import NODES
from remote_video_pack.nodes.labels import words
from remote_video_pack.nodes.offered import offered_view
from remote_video_pack.remote_video.catalogue.catalogue import snapshot
from remote_video_pack.remote_video.catalogue.model import video_models
from remote_video_pack.remote_video.settings import Settings


def test_every_input_is_called_by_words_and_its_tooltip_says_its_name(comfy, home):
    for entry in [entry for node in NODES for entry in node.define_schema().inputs]:
        label = entry.display_name
        assert label and "_" not in label and label[0].isupper(), entry.id
        assert entry.tooltip.endswith(f"(`{entry.id}`)"), entry.id


def test_no_two_inputs_of_a_node_are_called_the_same(comfy, home):
    for node in NODES:
        labels = [entry.display_name for entry in node.define_schema().inputs]
        assert len(set(labels)) == len(labels), node


def test_names_are_spelt_as_people_do():
    assert [words(name) for name in ("negative_prompt", "cfg_scale", "filename_prefix")] == [
        "Negative prompt",
        "CFG scale",
        "Filename prefix",
    ]


def test_names_that_say_little_are_other_words():
    names = ("frames", "max_frames", "multi_shot", "num_frames", "shot_type", "transition_s", "wait")
    assert [words(name) for name in names] == [
        "Decode frames",
        "Max frames",
        "Shots",
        "Number of frames",
        "Shot planning",
        "Transition length",
        "Wait for the clip",
    ]


def test_the_browser_is_told_whose_a_model_is_and_what_it_makes_a_video_of(comfy, home):
    models = offered_view(Settings.from_environment(home))["models"]
    assert list(models) == list(video_models(snapshot())), "in the order of the node's own list"
    kling = models["kling/kling-3.0/pro/image-to-video"]
    assert (kling["vendor"], kling["kinds"], kling["retired"]) == ("kling", ["image-to-video"], False)
    assert all(model["kinds"] for model in models.values())


def test_the_browser_is_told_what_shots_have_to_add_up_to(comfy, home):
    view = offered_view(Settings.from_environment(home))
    assert view["shots"] == {
        "Kling3I2V": [
            {
                "group": "multi_shot",
                "one": "shot",
                "part": "duration",
                "whole": "duration",
                "least": 3,
                "most": 15,
                "whole_numbers": True,
                "start": 5,
                "words": "prompt",
            }
        ]
    }
    (group,) = view["models"]["kling/kling-3.0/pro/image-to-video"]["shots"]
    assert (group["group"], group["one"], group["whole"]) == ("multi_prompt", "shot", "duration")
    assert view["models"]["kling/kling-3.0/pro/image-to-video"]["unset"]["multi_prompt"] == "off"
    assert view["models"]["wan-ai/wan-3.0/image-to-video"]["shots"] == []

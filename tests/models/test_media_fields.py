"""Pictures, videos and sounds as inputs: sockets and addresses, one and many, and what is said when they can't be."""

from __future__ import annotations

import pytest
import torch
from remote_video_pack.remote_video.errors import InputRefused
from remote_video_pack.remote_video.media.fit import Bound, ImageLimits
from remote_video_pack.remote_video.models.fitting import Fitting
from remote_video_pack.remote_video.models.media_fields import Footage, Picture, Sound
from remote_video_pack.remote_video.models.request import Audio, Image, Video

SOUND = {"waveform": torch.zeros(1, 2, 40), "sample_rate": 8000}
ADDRESS = "https://example.com/a%20b.png?X-Signature=1#t"
MANY = {"required": False, "is_list": True, "most": 3}


def picture(shade: float = 0.5, count: int = 1) -> torch.Tensor:
    return torch.full((count, 8, 12, 3), shade)


def written(field, value) -> dict:
    body: dict = {}
    field.write(body, value, Fitting("auto", lambda size: None, None))
    return body


def refused(field, value) -> str:
    with pytest.raises(InputRefused) as refusal:
        written(field, value)
    return str(refusal.value)


def shades(images: list[Image]) -> list[int]:
    return [int(image._pixels[0, 0, 0]) for image in images]


@pytest.mark.parametrize(
    ("kind", "value", "media"), [(Picture, picture(), Image), (Footage, b"an MP4", Video), (Sound, SOUND, Audio)]
)
def test_a_socket_gives_a_file_and_text_an_address(kind, value, media):
    field = kind("input", "file_url", "", takes_address=True)
    assert isinstance(written(field, value)["file_url"], media)
    assert written(field, f" {ADDRESS}\n") == {"file_url": ADDRESS}


@pytest.mark.parametrize("kind", [Picture, Footage, Sound])
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("http://example.com/s3cret.png", "https://"),
        ("data:image/png;base64,s3cret", "https://"),
        ("file:///home/s3cret", "https://"),
        ("C:\\s3cret.png", "https://"),
        ("https://me:s3cret@example.com/a", "no login"),
        ("https://example.com\\@s3cret", "host"),
        ("https://exa mple.com/s3cret", "host"),
        ("https:///s3cret", "no host"),
        ("https://example.com:0/s3cret", "port"),
        ("https://example.com/s3cret\n.png", "host"),
        ("https://example.com/s3cret" + "a" * 4096, "longer than 4,096"),
    ],
)
def test_what_is_no_public_address_is_refused_and_never_quoted(kind, text, why):
    said = refused(kind("input", "file_url", "", takes_address=True), text)
    assert "`input`" in said and why in said
    assert "s3cret" not in said
    assert "Give a public https:// address" in said


def test_a_model_that_takes_no_address_is_sent_none():
    assert "`input`" in refused(Footage("input", "file_url", ""), ADDRESS)
    with pytest.raises(InputRefused, match="not an IMAGE"):
        written(Picture("input", "file_url", ""), ADDRESS)


@pytest.mark.parametrize("nothing", [None, "", " \n", [], {}, [None, ""], {"a_0": None}])
def test_nothing_is_nothing_and_an_error_where_it_is_needed(nothing):
    assert written(Picture("input", "file_url", "", required=False, takes_address=True), nothing) == {}
    field = Picture("input", "file_url", "", takes_address=True)
    assert "`input` is not connected" in refused(field, nothing) and "Connect an IMAGE to `input`" in refused(
        field, nothing
    )


def test_a_batch_becomes_the_images_of_a_list_in_order():
    batch = torch.cat([picture(0.1), picture(0.2)])
    sent = written(Picture("input", "urls", "", **MANY), {"a_0": batch, "a_1": picture(0.3)})["urls"]
    assert shades(sent) == [26, 51, 77]


def test_where_one_image_is_taken_a_batch_is_refused():
    assert "holds 2 images" in refused(Picture("input", "url", ""), picture(count=2))


def test_an_empty_batch_is_refused():
    assert "has the shape [0, 4, 4, 3]" in refused(Picture("input", "urls", "", **MANY), torch.zeros(0, 4, 4, 3))


def test_sockets_go_by_their_numbers_and_may_have_gaps():
    sockets = {"element_10": picture(0.4), "element_9": picture(0.3), "element_2": None, "element_1": picture(0.2)}
    assert shades(written(Picture("input", "urls", "", **MANY), sockets)["urls"]) == [51, 77, 102]


def test_numbered_names_are_counted_without_gaps():
    field = Picture("image_url", "image_url", "", required=False, takes_address=True, is_numbered=True, most=3)
    body = written(field, {"image_url_3": ADDRESS, "image_url_1": None, "image_url_2": picture()})
    assert list(body) == ["image_url_1", "image_url_2"] and body["image_url_2"] == ADDRESS


def test_two_inputs_may_fill_one_list():
    body: dict = {}
    fitting = Fitting("auto", lambda size: None, None)
    for name, shade in (("first", 0.2), ("last", 0.6)):
        Picture(name, "references", "", is_list=True).write(body, picture(shade), fitting)
    assert shades(body["references"]) == [51, 153]


@pytest.mark.parametrize(
    ("count", "words"), [(1, "1 of them; the model needs at least 2"), (4, "4 of them; the model takes at most 3")]
)
def test_they_are_counted(count, words):
    field = Sound("input", "urls", "", required=False, takes_address=True, is_list=True, fewest=2, most=3)
    assert words in refused(field, [ADDRESS] * count)
    assert written(field, [ADDRESS] * 2) == {"urls": [ADDRESS] * 2}
    assert written(field, None) == {}


def test_one_of_several_is_named_by_its_number():
    assert "`input 2` is a text" in refused(Picture("input", "urls", "", takes_address=True, **MANY), [picture(), "x"])
    assert "input 2 has values" in refused(Picture("input", "urls", "", **MANY), [picture(), picture(float("nan"))])


@pytest.mark.parametrize(
    "value",
    [5, True, object(), [[]], {"a": {"b": 1}}, {1: 2}, (3,), torch.zeros(3)],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("kind", [Picture, Footage, Sound])
def test_what_is_no_file_is_refused(kind, value):
    assert refused(kind("input", "url", ""), value).strip("`").startswith("input")


def test_a_recording_has_to_be_small_enough():
    field = Footage("input", "url", "", max_bytes=1_000_000)
    assert isinstance(written(field, bytes(1_000_000))["url"], Video)
    said = refused(field, bytes(1_000_001))
    assert "1,000,001 bytes" in said and "at most 1,000,000" in said and "https://" in said
    assert "100,044 bytes" in refused(
        Sound("a", "url", "", max_bytes=1000), {**SOUND, "waveform": torch.zeros(1, 1, 50_000)}
    )


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        (Picture("a", "a", ""), ""),
        (Picture("a", "a", "", most=None, is_list=True), "At least 1 of them."),
        (Picture("a", "a", "", most=7, is_list=True), "Up to 7 of them."),
        (Picture("a", "a", "", most=7, fewest=1, is_list=True), "Up to 7 of them."),
        (Picture("a", "a", "", most=7, fewest=2, is_list=True), "2 to 7 of them."),
        (
            Picture("a", "a", "", limits=ImageLimits(max_bytes=4_699_999, width=Bound(gt=14), ratio=Bound(lt=2))),
            "Width > 14 px, width / height < 2, file up to 4.7 MB.",
        ),
        (Footage("a", "a", "", max_bytes=15_999_999), "At most 16 MB."),
        (Sound("a", "a", "", most=3, is_list=True, max_bytes=100_000_000), "Up to 3 of them. At most 100 MB."),
    ],
)
def test_the_tooltip_says_its_limits(field, sentence):
    assert field.limits_text == sentence
    assert field.help == sentence

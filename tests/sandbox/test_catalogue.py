"""Every model of the catalogue at the sandbox: listed, held to its schema, priced, and answered by what it makes."""

from __future__ import annotations

import io
import json
import wave
from typing import Any

import av
import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from remote_video_pack.remote_video.sandbox import Pace
from remote_video_pack.remote_video.sandbox.contracts import Contract
from remote_video_pack.remote_video.sandbox.listing import SNAPSHOT

from ..engine.one_job import small_clip
from ..faults import Sandbox
from .conftest import data_uri, png

CATALOGUE: list[dict[str, Any]] = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
IDS = [model["model_id"] for model in CATALOGUE]
SHOTS = "multi_prompt"


def sound() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as track:
        track.setnchannels(1)
        track.setsampwidth(2)
        track.setframerate(8000)
        track.writeframes(bytes(16000))
    return file.getvalue()


@pytest.fixture(scope="module")
def media(tmp_path_factory) -> dict[str, str]:
    """A data URI of each kind."""
    clip = small_clip(tmp_path_factory.mktemp("media"))
    return {"image": data_uri(png()), "video": data_uri(clip, "video/mp4"), "audio": data_uri(sound(), "audio/wav")}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A sandbox with everything on offer that tests leave as it is."""
    with Sandbox(tmp_path_factory.mktemp("shop"), pace=Pace(0, 0), short_clips=True) as running:
        yield running


def full(schema: dict[str, Any], media: dict[str, str]) -> dict[str, Any]:
    """A body with every input of a schema in it."""
    return {name: filled(one, name, media) for name, one in schema["properties"].items()}


def filled(spec: dict[str, Any], name: str, media: dict[str, str]) -> Any:
    kind = str(spec.get("format", "")).split("_")[0]
    if name == SHOTS:
        return []
    if spec["type"] == "array":
        least, most = max(spec.get("minItems", 0), 1), spec.get("maxItems", 2)
        item = spec.get("items") or {"type": "string", "format": f"{kind}_uri"}
        return [filled(item, "", media) for _ in range(min(max(least, 2), most))]
    if spec["type"] == "object":
        return full(spec, media) if "properties" in spec else {}
    if kind in media:
        return media[kind]
    usual = {"string": "a calm sea", "boolean": True}.get(spec["type"], 7)
    return spec["default"] if spec.get("default") not in (None, "") else (spec.get("enum") or [usual])[0]


@pytest.mark.parametrize("model", CATALOGUE, ids=IDS)
def test_every_model_takes_all_its_inputs_and_answers(connect, shop, media, model):
    client = connect(shop)
    body = full(model["input_schema"], media)
    jsonschema.validate(body, model["input_schema"])
    answer = client.submit(body, model["model_id"])
    assert answer.status_code == 202, answer.text
    _, result = client.finish(answer.json()["request_id"])
    (kind, url), *more = result["output"].items()
    file = io.BytesIO(client.get(url).content)
    assert not more and result["cost"] > 0
    if model["categories"] == ["image-to-image"]:
        assert kind == "image" and Image.open(file).format == "PNG"
    else:
        with av.open(file) as clip:
            assert kind == "video" and len(clip.streams.video) == 1


def small(spec: dict[str, Any], name: str, media: dict[str, str]) -> st.SearchStrategy[Any]:
    """Values that are mostly right for a property, and often just not."""
    right = st.just(filled(spec, name, media))
    near = [spec[key] + step for key in ("minimum", "maximum") if key in spec for step in (-1, 0, 1)]
    odd = [None, True, 0, 5, 5.0, 5.5, "", "5", "x" * 6000, "auto", [], {}, [{}], *near, *spec.get("enum", [])]
    return st.one_of(right, st.sampled_from(odd))


def said_in_full(spec: dict[str, Any]) -> dict[str, Any]:
    """A list of media may leave out that its items are texts; its format says it."""
    return {"items": {"type": "string"}, **spec} if str(spec.get("format")).endswith("_uris") else spec


@pytest.mark.parametrize("model", CATALOGUE, ids=IDS)
def test_it_refuses_what_jsonschema_refuses_and_takes_what_it_takes(media, model):
    """Beyond it, it only refuses files that are none, and shots that don't fill the clip."""
    properties = {name: said_in_full(one) for name, one in model["input_schema"]["properties"].items()}
    schema = {**model["input_schema"], "properties": properties, "additionalProperties": False}
    bodies = st.fixed_dictionaries(
        {name: small(properties[name], name, media) for name in schema["required"]},
        optional={
            **{name: small(one, name, media) for name, one in properties.items() if name not in schema["required"]},
            "unheard_of": st.just(1),
        },
    )
    validator = jsonschema.Draft202012Validator(schema)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(bodies)
    def agree(body: dict[str, Any]) -> None:
        breaches = Contract(model["input_schema"]).check(body).breaches
        beyond = [one for one in breaches if one["type"].endswith("_uri") or one["type"] == "sum_of_durations"]
        in_enum = [one for one in breaches if one["type"] == "enum"]
        if len(breaches) > len(beyond) + len(in_enum):
            assert not validator.is_valid(body)
        if not breaches:
            assert validator.is_valid(body)

    agree()


SCHEMA = {
    "type": "object",
    "required": ["prompt", "count"],
    "properties": {
        "prompt": {"type": "string", "minLength": 2},
        "count": {"type": "integer", "enum": [3, 5]},
        "weight": {"type": "float", "exclusiveMinimum": 0, "maximum": 1},
        "step": {"type": "integer", "multipleOf": 8},
        "seed": {"type": "integer"},
        "note": {"type": "string", "default": None},
        "either": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "style": {"$ref": "#/$defs/style"},
        "loop": {"$ref": "#/properties/loop"},
        "tree": {"$ref": "#/$defs/tree"},
        "cover_image_url": {"type": "string"},
        "image_urls": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
        "videos": {"type": "array", "format": "video_uris"},
        "voice_url": {"type": "string", "format": "uri"},
        "mask": {
            "type": "string",
            "format": "image_uri",
            "validations": [
                {"validation_rule": "width_pixels>", "validation_value": 640},
                {"validation_rule": "a rule of another time", "validation_value": "?"},
            ],
        },
        "shots": {
            "type": "array",
            "items": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}},
        },
        "free": {"type": "object"},
    },
    "$defs": {
        "style": {"type": "string", "enum": ["plain", "rich"]},
        "tree": {"type": "object", "properties": {"leaf": {"type": "integer"}, "tree": {"$ref": "#/$defs/tree"}}},
    },
}
MODEL = {"model_id": "acme/any/reference-to-video", "categories": ["reference-to-video"], "input_schema": SCHEMA}
GOOD = [
    {"count": 5},
    {"weight": 1},
    {"step": 16.0},
    {"note": None},
    {"either": None},
    {"style": "rich"},
    {"loop": [1]},
    {"tree": {"tree": {"leaf": 1}}},
    {"free": {"any": ["thing"]}},
    {"shots": [{"text": "a"}]},
    {"cover_image_url": "https://example.com/a.png"},
    {"image_urls": ["image", "image"]},
    {"videos": ["video"]},
    {"voice_url": "audio"},
    {"mask": data_uri(png(641, 360))},
]
BAD = [
    ({"count": None}, ["count"]),
    ({"count": "5"}, ["count"]),
    ({"count": True}, ["count"]),
    ({"count": 5.0}, ["count"]),
    ({"prompt": "a"}, ["prompt"]),
    ({"weight": 0}, ["weight"]),
    ({"step": 12}, ["step"]),
    ({"seed": 5.5}, ["seed"]),
    ({"either": "x"}, ["either"]),
    ({"style": "plainer"}, ["style"]),
    ({"tree": {"tree": {"leaf": "x"}}}, ["tree", "tree", "leaf"]),
    ({"shots": [{"text": "a"}, {}]}, ["shots", 1, "text"]),
    ({"shots": [{"text": "a", "more": 1}]}, ["shots", 0, "more"]),
    ({"cover_image_url": "video"}, ["cover_image_url"]),
    ({"cover_image_url": "http://example.com/a.png"}, ["cover_image_url"]),
    ({"image_urls": ["image"] * 3}, ["image_urls"]),
    ({"image_urls": ["image", "audio"]}, ["image_urls", 1]),
    ({"videos": ["video", 5]}, ["videos", 1]),
    ({"videos": ["image"]}, ["videos", 0]),
    ({"voice_url": "image"}, ["voice_url"]),
    ({"mask": "image"}, ["mask"]),
    ({"unheard_of": 1}, ["unheard_of"]),
]


def said(value: Any, media: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: said(one, media) for name, one in value.items()}
    return [said(one, media) for one in value] if isinstance(value, list) else media.get(str(value), value)


@pytest.mark.parametrize("changes", GOOD, ids=str)
def test_a_schema_with_quirks_is_understood(media, changes):
    body = said({"prompt": "a sea", "count": 3, **changes}, media)
    assert Contract(SCHEMA).check(body).breaches == []


@pytest.mark.parametrize(("changes", "place"), BAD, ids=str)
def test_what_a_schema_with_quirks_forbids_is_refused_by_name(media, changes, place):
    body = said({"prompt": "a sea", "count": 3, **changes}, media)
    assert [one["loc"][1:] for one in Contract(SCHEMA).check(body).breaches] == [place]


@pytest.mark.parametrize("schema", [None, [], "object", {}, {"properties": [1]}, {"properties": {"a": 5}, "type": 7}])
def test_what_is_no_schema_takes_anything(client, sandbox, schema):
    sandbox.listing.set([{"model_id": "acme/odd", "input_schema": schema}])
    assert client.submit({"a": [1, {"b": None}]}, "acme/odd").status_code == 202


def test_what_was_sent_is_kept_and_files_stand_for_their_addresses(client, sandbox, media):
    sandbox.listing.put(MODEL)
    away = "https://example.com/a.png"
    body = {"prompt": "a sea", "count": 3, "image_urls": [media["image"], away], "voice_url": media["audio"]}
    assert client.submit(body, MODEL["model_id"]).status_code == 202
    (job,) = sandbox.jobs
    assert job.inputs == {**body, "image_urls": ["image_urls-0.png", away], "voice_url": "voice_url.wav"}
    assert job.plan.images == ("image_urls-0.png",) and job.plan.sound


@pytest.mark.parametrize(
    "body",
    [{"script_text": "[balance]", "count": 1}, {"shots": [{"words": "a [balance]"}], "count": 1}],
)
def test_a_word_in_brackets_works_in_any_text(client, sandbox, body):
    sandbox.listing.set([{"model_id": "acme/odd", "input_schema": {"type": "object"}}])
    assert client.submit(body, "acme/odd").json()["error_code"] == 400002


def test_several_pictures_come_as_a_list(client, sandbox):
    painter = {"model_id": "acme/painter", "kind": "text-to-image", "input_schema": {"type": "object"}}
    sandbox.listing.set([painter])
    _, result = client.finish(client.submit({"prompt": "a", "num_images": 2}, "acme/painter").json()["request_id"])
    assert list(result["output"]) == ["images"] and len(result["output"]["images"]) == 2


def listed(client, query: str = "") -> dict[str, Any]:
    return client.runcomfy(f"models?limit=100&{query}").json()


def test_models_are_listed_as_they_are_published(client):
    models = {model["model_id"]: model for model in listed(client, "include_schema=true")["models"]}
    for model in CATALOGUE:
        assert models[model["model_id"]].items() >= model.items()
        assert client.runcomfy(f"models/{model['model_id']}").json() == models[model["model_id"]]
    assert not any("sandbox_clip" in model for model in models.values())
    assert not any("input_schema" in model for model in listed(client)["models"])


def test_models_are_found_by_id_and_by_name(client):
    found = [model["model_id"] for model in listed(client, "search=HAPPYHORSE")["models"]]
    assert found == [name for name in IDS if "happyhorse" in name]
    assert listed(client, "search=O3 Pro")["total"] == 2


def test_a_model_vanishes_changes_and_comes_back(client, sandbox):
    model = next(one for one in CATALOGUE if one["model_id"] == "blackforestlabs/flux-3/text-to-video")
    body = {"prompt": "a sea", "resolution": "1080p"}
    assert client.submit(body, model["model_id"]).status_code == 202
    schema = json.loads(json.dumps(model["input_schema"]))
    schema["properties"]["resolution"]["enum"] = ["720p"]
    sandbox.listing.put({**model, "base_price_usd": 0.5, "price_unit": "output", "input_schema": schema})
    assert client.submit(body, model["model_id"]).json()["detail"][0]["loc"] == ["body", "resolution"]
    assert client.runcomfy(f"models/{model['model_id']}").json()["base_price_usd"] == 0.5
    sandbox.listing.remove(model["model_id"])
    for answer in (client.submit(body, model["model_id"]), client.runcomfy(f"models/{model['model_id']}")):
        assert (answer.status_code, answer.json()["error_code"]) == (400, 400001)
    assert listed(client)["total"] == 17
    sandbox.listing.reset()
    assert client.submit(body, model["model_id"]).status_code == 202


def test_another_sandbox_on_the_folder_offers_the_same(tmp_path, client):
    with Sandbox(tmp_path / "kept", catalogue=[MODEL]):
        pass
    with Sandbox(tmp_path / "kept") as client.sandbox:
        assert [model["model_id"] for model in listed(client)["models"]] == [MODEL["model_id"]]


@pytest.mark.parametrize(
    ("model", "body", "cost"),
    [
        ("kling/kling-3.0/4k/text-to-video", {"duration": 3}, 1.26),
        ("bytedance/seedance-2.5/text-to-video/1080p", {"duration": 4}, 0.4),
        ("acme/clip", {"generate_audio": True}, 0.5),
        ("acme/dear-sound", {"generate_audio": True}, 0.75),
        ("acme/dear-sound", {"generate_audio": False}, 0.5),
        ("acme/odd-price", {}, 0.5),
    ],
)
def test_a_clip_costs_what_the_listing_says(tmp_path, client, model, body, cost):
    clip = {"input_schema": {"type": "object"}, "base_price_usd": 0.5, "price_unit": "output"}
    with Sandbox(tmp_path / "dear", pace=Pace(0, 0), prebuilt=b"clip") as client.sandbox:
        client.sandbox.listing.put(
            {**clip, "model_id": "acme/clip"},
            {**clip, "model_id": "acme/dear-sound", "pricing_note": "More with generate_audio."},
            {**clip, "model_id": "acme/odd-price", "base_price_usd": "0.5"},
        )
        request_id = client.submit({"prompt": "a", **body}, model).json()["request_id"]
        assert client.finish(request_id)[1]["cost"] == pytest.approx(cost)


def balance(client) -> float:
    return client.get(f"{client.sandbox.runcomfy_base_url}/prod/v2/balance").json()["balance_usd"]


def test_a_submission_dearer_than_the_balance_is_refused(client, sandbox):
    sandbox.account.set(1.19)
    answer = client.submit_veo()
    assert (answer.status_code, answer.json()["error_code"], sandbox.accepted_posts) == (402, 400002, 0)
    assert "1.20" in answer.json()["error_message"] and "1.19" in answer.json()["error_message"]
    sandbox.account.set(1.2)
    assert [client.submit_veo().status_code for _ in range(2)] == [202, 202] and balance(client) == 1.2


def test_a_balance_is_used_up_when_it_is_told_to_be(client, sandbox):
    sandbox.account.set(3.0, charges=True)
    assert [client.submit_veo().status_code for _ in range(3)] == [202, 202, 402]
    assert balance(client) == pytest.approx(0.6) and sandbox.accepted_posts == 2


def pages(client, limit: int = 10) -> list[dict[str, Any]]:
    """What a client that believes `total` gets, within fifty pages."""
    found: list[dict[str, Any]] = []
    for _ in range(50):
        page = client.runcomfy(f"models?include_schema=true&limit={limit}&offset={len(found)}").json()
        found += page["models"]
        if len(found) >= page["total"]:
            return found
    return found


def test_a_listing_can_be_wrong_in_every_way(client, sandbox):
    def with_fault(name: str, **options: Any) -> dict[str, Any]:
        sandbox.faults.clear()
        sandbox.faults.set("runcomfy/models", name, **options)
        return listed(client, "include_schema=true")

    assert with_fault("listing-empty") == {"models": [], "total": 0, "limit": 100, "offset": 0}
    twins = [model["model_id"] for model in with_fault("listing-twins")["models"]]
    assert len(twins) == 36 == 2 * len(set(twins))
    assert len(json.dumps(with_fault("listing-large"))) > 5_000_000
    strange = with_fault("listing-nonsense")["models"]
    assert None in strange and any(isinstance(one, dict) and one.get("input_schema") == [] for one in strange)
    assert any("<script>" in model["display_name"] for model in with_fault("listing-hostile")["models"])
    assert {type(model["base_price_usd"]) for model in with_fault("listing-prices")["models"]} > {int, str, dict}
    with_fault("listing-endless")
    assert len(pages(client)) == 500
    sandbox.faults.clear()
    assert len(pages(client)) == 18


@pytest.mark.parametrize(("name", "said"), [("absent", None), ("twelve", "twelve"), ("3-5", -3.5)])
def test_a_balance_can_be_nonsense(client, sandbox, name, said):
    sandbox.faults.set("runcomfy/balance", f"balance-{name}")
    assert balance(client) == said

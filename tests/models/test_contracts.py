"""The specs say what the published contracts say: name by name, limit by limit, so that a drift is seen.

The contracts are the sandbox's own copies, which the engine never reads.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import remote_video_pack.remote_video.sandbox as sandbox
from remote_video_pack.remote_video.catalogue.catalogue import snapshot
from remote_video_pack.remote_video.media.fit import Bound
from remote_video_pack.remote_video.models import MODELS
from remote_video_pack.remote_video.models.comet_veo import COMET_VEO
from remote_video_pack.remote_video.models.dreamina3_pro import DREAMINA3_PRO
from remote_video_pack.remote_video.models.fields import Choice, Flag, Number, Text
from remote_video_pack.remote_video.models.kling3 import KLING3, SHOTS
from remote_video_pack.remote_video.models.media_fields import Picture
from remote_video_pack.remote_video.models.runway_gen3_turbo import RUNWAY_GEN3_TURBO
from remote_video_pack.remote_video.models.veo3 import VEO3

from .field_of import field_of

FOLDER = Path(sandbox.__file__).parent / "contracts"
FILES = {
    "veo-3": VEO3,
    "runway-gen-3-alpha-turbo": RUNWAY_GEN3_TURBO,
    "kling-3.0-standard": KLING3,
    "dreamina-3.0-pro": DREAMINA3_PRO,
    "comet-veo": COMET_VEO,
}
STAND_INS = {"runcomfy", "cometapi"}
ELSEWHERE = {
    ("dreamina-3.0-pro", "image_urls"),
    ("kling-3.0-standard", "multi_prompt"),
    ("kling-3.0-standard", "elements"),
    ("comet-veo", "input_reference"),
}
"""Properties that are put together from several inputs; each has a test of its own."""
MB = 1_000_000
SIGNS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


def contract(name):
    """A model as it is published: what is said of it, beside what its input schema says."""
    said = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return {**said, **said.get("input_schema", {})}


def properties(only=lambda says: True):
    return [
        pytest.param(name, prop, id=f"{name} {prop}")
        for name in FILES
        for prop, says in contract(name)["properties"].items()
        if (name, prop) not in ELSEWHERE and only(says)
    ]


def field_and_contract(name, prop):
    (field,) = [field for field in FILES[name].fields if field.wire == prop]
    return field, contract(name)["properties"][prop]


def test_every_contract_has_a_model_and_every_model_a_contract():
    assert {path.stem for path in FOLDER.glob("*.json")} >= set(FILES)
    for spec in MODELS:
        if spec.provider not in STAND_INS:
            continue
        known = spec in FILES.values() or spec.model_id in snapshot().entries or spec.model_id in in_sandbox()
        assert known, f"remote_video/sandbox/contracts/: write {spec.model_id} down as its provider publishes it"


def in_sandbox():
    return {contract(path.stem).get("model_id") for path in FOLDER.glob("*.json")}


@pytest.mark.parametrize(
    "spec", [spec for spec in MODELS if spec.model_id in snapshot().entries], ids=lambda spec: spec.node_id
)
def test_a_model_that_the_catalogue_has_too_is_asked_for_what_is_published(spec):
    said = snapshot().entries[spec.model_id].schema
    wires = {field.wire for field in spec.fields if field.wire}
    assert set(said.get("required", ())) <= wires <= set(said["properties"])


@pytest.mark.parametrize("name", FILES)
def test_the_provider_and_its_id_of_the_model_agree(name):
    said, spec = contract(name), FILES[name]
    assert spec.provider == said.get("provider", "runcomfy")
    assert spec.model_id == said.get("model_id", spec.model_id)


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_sent_that_the_contract_does_not_name(name):
    assert {field.wire for field in FILES[name].fields if field.wire} <= set(contract(name)["properties"])


@pytest.mark.parametrize(("name", "prop"), properties())
def test_every_input_of_the_contract_can_be_reached(name, prop):
    field, said = field_and_contract(name, prop)
    kinds = {"string": (Text, Choice), "integer": (Number, Choice), "number": Number, "boolean": Flag}
    is_image = said.get("format") == "image_uri"
    assert isinstance(field, Picture if is_image else kinds[said["type"]])
    assert field.tooltip


@pytest.mark.parametrize(("name", "prop"), properties(lambda says: says["type"] == "string" and "format" not in says))
def test_lengths_and_what_is_required_agree(name, prop):
    field, said = field_and_contract(name, prop)
    assert getattr(field, "max_length", None) == said.get("maxLength")
    if isinstance(field, Text) and not field.default:
        assert field.required == (prop in contract(name)["required"])


@pytest.mark.parametrize(("name", "prop"), properties(lambda says: "default" in says))
def test_defaults_agree(name, prop):
    field, said = field_and_contract(name, prop)
    assert field.default == said["default"]
    assert type(field.default) is type(said["default"]) or isinstance(field, Number)


@pytest.mark.parametrize(("name", "prop"), properties(lambda says: "enum" in says))
def test_choices_agree(name, prop):
    field, said = field_and_contract(name, prop)
    assert list(field.choices) == said["enum"]


@pytest.mark.parametrize(("name", "prop"), properties(lambda says: "minimum" in says))
def test_ranges_agree(name, prop):
    field, said = field_and_contract(name, prop)
    assert (field.minimum, field.maximum) == (said["minimum"], said["maximum"])
    assert field.whole == (said["type"] == "integer")


def rules_of(said):
    """The rules of a property's files: what follows the name of each measure, and its value."""
    rules = {}
    for rule in said["validations"]:
        measure, sign = re.fullmatch(r"(.+?)([<>]=?)?", rule["validation_rule"]).groups()
        rules.setdefault(measure, {})[SIGNS.get(sign)] = rule["validation_value"]
    return rules


def types_of(said):
    return rules_of(said).get("file_type", {None: ["png", "jpg"]})[None]


def limits_of(said):
    """The contract's words about an image, as Bounds; sizes in bytes, MB read as 10^6."""
    rules = rules_of(said)
    bounds = [Bound(**rules.get(measure, {})) for measure in ("width_pixels", "height_pixels", "width/height")]
    return *bounds, rules["file_size_mb"]["lt"] * MB - 1


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (RUNWAY_GEN3_TURBO, contract("runway-gen-3-alpha-turbo")["properties"]["promptImage"]),
        (DREAMINA3_PRO, contract("dreamina-3.0-pro")["properties"]["image_urls"]),
    ],
    ids=["runway", "dreamina"],
)
def test_limits_of_images_agree(spec, said):
    limits = field_of(spec, "image").limits
    assert (limits.width, limits.height, limits.ratio, limits.max_bytes) == limits_of(said)
    types = {"image/jpeg" if kind in ("jpg", "jpeg") else f"image/{kind}" for kind in types_of(said)}
    assert set(limits.mimes) == types


def test_kling_is_sent_image_types_that_it_takes():
    said = contract("kling-3.0-standard")["properties"]["start_image_url"]
    assert {mime.removeprefix("image/") for mime in field_of(KLING3, "image").limits.mimes} <= set(types_of(said))


@pytest.mark.parametrize("spec", [VEO3, KLING3], ids=["veo", "kling"])
def test_where_a_contract_says_nothing_the_providers_page_holds(spec):
    assert field_of(spec, "image").limits.max_bytes == 50 * MB


def test_dreamina_takes_exactly_one_image():
    said = contract("dreamina-3.0-pro")["properties"]["image_urls"]
    assert (said["minItems"], said["maxItems"]) == (1, 1)
    assert field_of(DREAMINA3_PRO, "image").required


def test_kling_shots_agree():
    said = contract("kling-3.0-standard")["properties"]["multi_prompt"]
    shot = said["items"]["properties"]
    duration, (prompt, seconds) = shot["duration"], SHOTS.of
    assert (seconds.minimum, seconds.maximum, seconds.default) == (
        duration["minimum"],
        duration["maximum"],
        duration["default"],
    )
    assert seconds.whole
    assert set(shot) == {"prompt", "duration"}
    assert prompt.required
    assert min(said["maxItems"], field_of(KLING3, "duration").maximum // duration["minimum"]) == SHOTS.most


def test_kling_elements_agree():
    assert contract("kling-3.0-standard")["properties"]["elements"]["maxItems"] == field_of(KLING3, "elements").most


def test_comet_sizes_agree():
    said = contract("comet-veo")["properties"]["size"]["examples"]
    assert field_of(COMET_VEO, "size").choices == ("auto", *said)

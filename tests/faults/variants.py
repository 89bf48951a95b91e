"""Answers that are good, in one of the other documented ways of saying so. None of them may trouble a client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .answer import Answer
from .fault import CONTENT, RESULT, RETRIEVE, STATUS, SUBMIT, Alter, Call, Fault
from .job_states import Payload, changed

RUNNING_WORDS = ("pending", "waiting", "starting", "processing")
COMET_WORDS: Mapping[str, tuple[str, str]] = {
    "success": ("completed", "success"),
    "succeeded": ("completed", "succeeded"),
    "done": ("completed", "done"),
    "upper-case": ("completed", "COMPLETED"),
    "success-upper-case": ("completed", "SUCCESS"),
    "processing": ("in_progress", "processing"),
    "processing-upper-case": ("in_progress", "PROCESSING"),
    "unknown": ("in_progress", "unknown"),
}
"""Name -> the usual word, and the other word for it."""
COMET_URL_KEYS = ("url", "output", "output_video")


def _result_output(wrap: Any) -> Alter:
    def change(payload: Payload, call: Call) -> Payload | None:
        video = (payload.get("output") or {}).get("video")
        return {**payload, "output": wrap(video)} if video else None

    return changed(change)


def _more_files(url: str) -> dict[str, Any]:
    """Two takes and a cover, the first take under two names."""
    second, cover = (url.replace("clip.mp4", name) for name in ("second.mp4", "cover.png"))
    return {"video": url, "videos": [url, second], "images": [cover]}


def _more_files_of_task(payload: Payload, call: Call) -> Payload | None:
    url = payload.get("video_url")
    return {**payload, "output": _more_files(url)} if url else None


def _echo(payload: Payload, call: Call) -> Payload:
    """The inputs with other media in them, before the output."""
    return {"input": {"image": "https://10.0.0.1/input.png", "video": "https://10.0.0.1/input.mp4"}, **payload}


def _word(usual: str, other: str) -> Alter:
    return changed(lambda payload, call: {**payload, "status": other} if payload.get("status") == usual else None)


def _early_400005(answer: Answer, call: Call) -> Answer:
    if answer.finished:
        return answer
    return Answer.of({"error_code": 400005, "error_message": "The result is not ready."}, 400)


def _nested(depth: int) -> Alter:
    def change(payload: Payload, call: Call) -> Payload:
        for _ in range(depth):
            payload = {"code": "success", "message": "", "data": payload}
        return payload

    return changed(change)


def _percent(payload: Payload, call: Call) -> Payload:
    return {**payload, "progress": f"{payload.get('progress', 0)}%"}


def _url_under(name: str) -> Alter:
    def change(payload: Payload, call: Call) -> Payload | None:
        url = payload.pop("video_url", None)
        return {**payload, name: url} if url else None

    return changed(change)


def _url_in_metadata(payload: Payload, call: Call) -> Payload | None:
    url = payload.pop("video_url", None)
    return {**payload, "metadata": {"url": url}} if url else None


def _url_in_fail_reason(payload: Payload, call: Call) -> Payload | None:
    url = payload.pop("video_url", None)
    return {**payload, "status": "SUCCESS", "fail_reason": url} if url else None


def _no_url(payload: Payload, call: Call) -> Payload:
    return {key: value for key, value in payload.items() if key != "video_url"}


def _url_as_json(answer: Answer, call: Call) -> Answer:
    if answer.status not in (200, 206):
        return answer
    task_id = call.request.path.split("/")[-2]
    return Answer.of({"url": f"{call.request.origin}/media/{task_id}/clip.mp4"})


def _bare_submit(payload: Payload, call: Call) -> Payload:
    return {"request_id": payload["request_id"], "status": "in_queue"}


def _status_code(status: int) -> Alter:
    def alter(answer: Answer, call: Call) -> Answer:
        return answer.with_payload(answer.payload(), status) if answer.status < 300 else answer

    return alter


def _variant(name: str, says: str, route: str, alter: Alter) -> Fault:
    return Fault(f"variant-{name}", says, (route,), alter=alter, harmless=True)


FAULTS: tuple[Fault, ...] = (
    _variant("bare-submit", "Only request_id and status.", SUBMIT, changed(_bare_submit)),
    _variant("submit-200", "200 instead of 202.", SUBMIT, _status_code(200)),
    _variant("submit-201", "201 instead of 202.", SUBMIT, _status_code(201)),
    *(
        _variant(f"state-{word}", f"The state is called {word}.", route, _word("in_progress", word))
        for word in RUNNING_WORDS
        for route in (STATUS, RESULT)
    ),
    _variant("early-400005", "An early result is a 400 with 400005.", RESULT, _early_400005),
    _variant("result-completed", "Success is called completed.", RESULT, _word("succeeded", "completed")),
    _variant("result-canceled", "Cancelled is spelt canceled.", RESULT, _word("cancelled", "canceled")),
    _variant("echo", "The result repeats the inputs, media addresses and all.", RESULT, changed(_echo)),
    _variant("output-videos", "The output is {videos: [url]}.", RESULT, _result_output(lambda url: {"videos": [url]})),
    _variant(
        "output-image-too",
        "The output has an image besides.",
        RESULT,
        _result_output(lambda url: {"image": url.replace("clip.mp4", "cover.png"), "video": url}),
    ),
    _variant("more-files", "The output is two videos and a picture.", RESULT, _result_output(_more_files)),
    _variant("output-string", "The output is the address itself.", RESULT, _result_output(lambda url: url)),
    _variant("output-list", "The output is a list of addresses.", RESULT, _result_output(lambda url: [url])),
    _variant("more-files", "Two videos and a picture.", RETRIEVE, changed(_more_files_of_task)),
    _variant("nested", "The task is under data.", RETRIEVE, _nested(1)),
    _variant("nested-twice", "The task is under data.data.", RETRIEVE, _nested(2)),
    *(
        _variant(f"word-{name}", f"The state {usual} is called {other}.", RETRIEVE, _word(usual, other))
        for name, (usual, other) in COMET_WORDS.items()
    ),
    _variant("progress-percent", "The progress is a text with a per cent sign.", RETRIEVE, changed(_percent)),
    *(
        _variant(f"url-under-{name}", f"The address is under {name}.", RETRIEVE, _url_under(name))
        for name in COMET_URL_KEYS
    ),
    _variant("url-under-metadata", "The address is under metadata.url.", RETRIEVE, changed(_url_in_metadata)),
    _variant(
        "url-in-fail-reason", "Finished, and the address is in fail_reason.", RETRIEVE, changed(_url_in_fail_reason)
    ),
    _variant("no-video-url", "Finished without an address: there is /content.", RETRIEVE, changed(_no_url)),
    _variant("content-as-json", "The content is JSON with the address.", CONTENT, _url_as_json),
)

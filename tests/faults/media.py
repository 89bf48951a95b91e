"""What can be wrong with a clip on its way: refused, redirected, changed midway, cut, or not a video at all."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import cache

import av
import numpy as np

from .answer import Answer
from .fault import BINARY, MEDIA, Alter, Call, Fault

TRUNCATED_SHARE = 0.6
NOISE_BYTES = 100_000
OTHER_ETAG = '"0123456789abcdef0123456789abcdef"'


def _refuses(status: int) -> Alter:
    def alter(answer: Answer, call: Call) -> Answer:
        return Answer(status, b"<html>no</html>", {"Content-Type": "text/html"})

    return alter


def _is_range(call: Call) -> bool:
    return "range" in call.request.headers


def _range_ignored(answer: Answer, call: Call) -> Answer:
    """The whole file with 200, whatever part was asked for."""
    return _whole_file(answer) if answer.status == 206 else answer


def _range_refused(answer: Answer, call: Call) -> Answer:
    if not _is_range(call):
        return answer
    return Answer(416, b"", {"Content-Range": f"bytes */{len(_whole_file(answer).body)}"})


def _range_shifted(answer: Answer, call: Call) -> Answer:
    """206 with another part than was asked for."""
    if answer.status != 206:
        return answer
    whole = _whole_file(answer).body
    start = max(len(whole) // 4, 1)
    spoken = answer.with_headers(Content_Range=f"bytes {start}-{len(whole) - 1}/{len(whole)}")
    return spoken.with_body(whole[start:])


def _etag_changed(answer: Answer, call: Call) -> Answer:
    """From the second hit on the file has another ETag; a resume by If-Range gets it whole."""
    if call.nth == 1 or answer.status not in (200, 206):
        return answer
    return _whole_file(answer).with_headers(ETag=OTHER_ETAG, Last_Modified="Wed, 01 Jan 2031 00:00:00 GMT")


def _etag_changed_206(answer: Answer, call: Call) -> Answer:
    """From the second hit on a resumed part is of another file: other ETag, other bytes, If-Range disregarded."""
    if call.nth == 1 or answer.status != 206:
        return answer
    other = bytes(byte ^ 0x55 for byte in answer.body)
    return answer.with_body(other).with_headers(ETag=OTHER_ETAG)


def _no_validators(answer: Answer, call: Call) -> Answer:
    kept = {name: value for name, value in answer.headers.items() if name not in ("ETag", "Last-Modified")}
    return replace(answer, headers=kept)


def _whole_file(answer: Answer) -> Answer:
    return answer.whole or answer


def _instead(data: bytes, content_type: str | None = None) -> Alter:
    def alter(answer: Answer, call: Call) -> Answer:
        return _whole_file(answer).with_body(data, content_type)

    return alter


def _truncated(answer: Answer, call: Call) -> Answer:
    content = _whole_file(answer).body
    return _whole_file(answer).with_body(content[: int(len(content) * TRUNCATED_SHARE)])


def _with_bytes_after(answer: Answer, call: Call) -> Answer:
    whole = _whole_file(answer)
    return whole.with_body(whole.body + b"Bytes that are no box. " * 50)


def _in_unknown_codec(answer: Answer, call: Call) -> Answer:
    whole = _whole_file(answer)
    return whole.with_body(whole.body.replace(b"avc1", b"xyz1"))


def _typed(content_type: str) -> Alter:
    return lambda answer, call: answer.with_headers(Content_Type=content_type)


def _zero_frames(answer: Answer, call: Call) -> Answer:
    return _whole_file(answer).with_body(sound_without_pictures())


def _picture_instead(answer: Answer, call: Call) -> Answer:
    return _whole_file(answer).with_body(b"\x89PNG\r\n\x1a\n" + bytes(2000))


@cache
def sound_without_pictures() -> bytes:
    """A valid MP4 with a sound track and not one video frame."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=44_100, layout="stereo")
        for start in range(0, 44_100 - 1024, 1024):
            frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
            frame.sample_rate = 44_100
            frame.pts = start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def _to(template: str, status: int = 302) -> Alter:
    """Redirect; {origin}, {port} and {path} are the sandbox's own."""

    def alter(answer: Answer, call: Call) -> Answer:
        origin, path = call.request.origin, call.request.path
        target = template.format(origin=origin, port=origin.rpartition(":")[2], path=path)
        return Answer(status, b"", {"Location": target})

    return alter


def _loop(answer: Answer, call: Call) -> Answer:
    return Answer(302, b"", {"Location": f"{call.request.origin}{call.request.path}?hop={call.nth}"})


def _once(answer: Answer, call: Call) -> Answer:
    """Redirect to the same file; asked again there, it comes."""
    if "moved=1" in call.request.target:
        return answer
    return Answer(302, b"", {"Location": f"{call.request.path}?moved=1"})


def _disposition(answer: Answer, call: Call) -> Answer:
    return answer.with_headers(Content_Disposition='attachment; filename="../../../outside.mp4"')


REDIRECTS = {
    "other-host": ("http://localhost:{port}{path}", "another host name, which has the file"),
    "unknown-host": ("https://media.example.invalid/clip.mp4", "a host name that does not exist"),
    "http": ("http://media.example.com/clip.mp4", "plain http on another host"),
    "https": ("https://127.0.0.1:{port}{path}", "https, where nobody speaks it"),
    "private": ("https://10.0.0.1/clip.mp4", "a private address"),
    "metadata": ("http://169.254.169.254/latest/meta-data/", "a cloud's metadata address"),
    "private-ipv6": ("https://[fd00::1]/clip.mp4", "a private IPv6 address"),
    "mapped-ipv4": ("https://[::ffff:10.0.0.1]/clip.mp4", "a private address mapped into IPv6"),
    "decimal": ("https://167772161/clip.mp4", "a private address as one decimal number"),
    "file": ("file:///etc/passwd", "a file: URL"),
    "nowhere": ("", "an empty Location"),
}

FAULTS: tuple[Fault, ...] = (
    Fault("media-403", "403: the address has expired.", BINARY, alter=_refuses(403)),
    Fault("media-404", "404: no such file (yet).", BINARY, alter=_refuses(404)),
    Fault("media-410", "410: the file is gone.", BINARY, alter=_refuses(410)),
    Fault("media-500", "500 with an HTML page.", (MEDIA,), alter=_refuses(500)),
    Fault("media-503", "503 with an HTML page.", (MEDIA,), alter=_refuses(503)),
    Fault("range-ignored", "The whole file with 200, whatever part was asked for.", BINARY, alter=_range_ignored),
    Fault("range-refused", "416 to every request for a part.", BINARY, alter=_range_refused),
    Fault("range-shifted", "206 with another part than was asked for.", BINARY, alter=_range_shifted),
    Fault("etag-changed", "From the second hit on another ETag, and the file whole.", BINARY, alter=_etag_changed),
    Fault(
        "etag-changed-206",
        "From the second hit on a resumed part has another ETag and other bytes.",
        BINARY,
        alter=_etag_changed_206,
    ),
    Fault("no-validators", "Neither ETag nor Last-Modified.", BINARY, alter=_no_validators, harmless=True),
    Fault("truncated", "The first 60 % of the file, with a length that fits.", BINARY, alter=_truncated),
    Fault("empty-file", "A file of no bytes.", BINARY, alter=_instead(b"")),
    Fault("not-a-video", "Bytes that are no video, declared as one.", BINARY, alter=_instead(b"no video " * 5000)),
    Fault("noise", "Zeros, declared as a video.", BINARY, alter=_instead(bytes(NOISE_BYTES))),
    Fault("picture", "The beginning of a PNG, declared as a video.", BINARY, alter=_picture_instead),
    Fault("html-page", "200 with an HTML page.", BINARY, alter=_instead(b"<html>Sign in</html>", "text/html")),
    Fault("zero-frames", "A valid MP4 with sound and not one frame.", BINARY, alter=_zero_frames),
    Fault("typed-as-html", "The true clip, declared as HTML.", BINARY, alter=_typed("text/html"), harmless=True),
    Fault(
        "trailing-bytes",
        "The true clip, and bytes after its end.",
        BINARY,
        alter=_with_bytes_after,
        harmless=True,
    ),
    Fault("unknown-codec", "The true clip, in a codec nobody knows.", BINARY, alter=_in_unknown_codec, harmless=True),
    Fault(
        "typed-as-bytes",
        "The true clip as application/octet-stream.",
        BINARY,
        alter=_typed("application/octet-stream"),
        harmless=True,
    ),
    Fault(
        "disposition",
        "A Content-Disposition whose file name leads elsewhere.",
        BINARY,
        alter=_disposition,
        harmless=True,
    ),
    Fault("redirect-once", "302 to the same file, where it comes.", (MEDIA,), alter=_once, harmless=True),
    Fault("redirect-loop", "302 to itself, without end.", BINARY, alter=_loop),
    *(
        Fault(f"redirect-{name}", f"302 to {says}.", BINARY, alter=_to(template))
        for name, (template, says) in REDIRECTS.items()
    ),
)

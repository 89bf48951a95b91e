"""Sound and picture of a film stay together, join after join, whatever the clips' rates and lengths."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .clips import moving_picture, tone, write_clip
from .flashes import bright_at, flashing, heard_at, joined, lengths

JOINS = 20
FRAME_S = 1 / 24


def apart(film: Path) -> list[float]:
    """How long after each flash its beep is heard, s."""
    seen, heard = bright_at(film), heard_at(film)
    assert len(seen) == len(heard) == JOINS + 1
    return [sound - picture for picture, sound in zip(seen, heard, strict=True)]


@pytest.mark.parametrize("sound_rate", [44100, 48000])
def test_copied_sound_is_never_off_by_a_frame(tmp_path, sound_rate):
    clips = [
        flashing(tmp_path / f"{n}.mp4", (25 + n % 5) / 24, (6 + n % 7) / 24, sound_rate=sound_rate)
        for n in range(JOINS + 1)
    ]
    look = joined(clips, tmp_path / "film.mp4")
    assert (look.copies_pictures, look.copies_sound) == (True, True)
    assert max(map(abs, apart(tmp_path / "film.mp4"))) < 0.6 * FRAME_S


@pytest.mark.parametrize("transition_s", [0.0, 0.25])
def test_encoded_sound_is_never_off_by_half_a_frame(tmp_path, transition_s):
    rates = [24, 30, Fraction(24000, 1001), 25]
    clips = [
        flashing(tmp_path / f"{n}.mp4", 1.1 + 0.07 * (n % 3), 0.5, rate=rates[n % 4], sound_rate=(44100, 48000)[n % 2])
        for n in range(JOINS + 1)
    ]
    look = joined(clips, tmp_path / "film.mp4", transition_s=transition_s)
    assert not look.copies_pictures
    # Each frame of the film shows what is on the screen in its middle: a flash is off by half of one at most.
    assert max(map(abs, apart(tmp_path / "film.mp4"))) < 0.55 * FRAME_S


@pytest.mark.parametrize("sound_s", [0.8, 1.3], ids=["shorter than the picture", "longer than the picture"])
def test_sound_that_is_not_as_long_as_its_picture_moves_nothing(tmp_path, sound_s):
    clips = [flashing(tmp_path / f"{n}.mp4", 1.0, 0.25, sound_s=sound_s) for n in range(JOINS + 1)]
    look = joined(clips, tmp_path / "film.mp4")
    assert look.copies_pictures
    # What lacks at the end can't be made up for by packets; what is too much is left out.
    assert look.copies_sound == (sound_s > 1)
    assert max(map(abs, apart(tmp_path / "film.mp4"))) < 0.6 * FRAME_S
    picture, sound = lengths(tmp_path / "film.mp4")
    assert picture == pytest.approx(JOINS + 1, abs=0.01)
    assert sound == pytest.approx(picture, abs=FRAME_S)


SIZES = [(64, 48), (48, 64), (66, 50), (35, 41)]
RATES = [12, 24, 25, 30, Fraction(30000, 1001)]


@st.composite
def clip(draw: st.DrawFn) -> dict:
    rate = draw(st.sampled_from(RATES))
    return {
        "rate": rate,
        "count": draw(st.integers(6, 24)),
        "size": draw(st.sampled_from(SIZES)),
        "sound_rate": draw(st.sampled_from([0, 22050, 44100, 48000])),
        "longer_s": draw(st.sampled_from([-0.1, 0.0, 0.3])),
        "channels": draw(st.sampled_from([1, 2])),
    }


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(clip(), min_size=2, max_size=5),
    st.sampled_from([0.0, 0.1]),
    st.sampled_from(["keep", "fade at joins"]),
    st.booleans(),
)
def test_a_film_is_as_long_as_its_clips_and_ends_with_both(tmp_path_factory, clips, transition_s, audio, are_alike):
    folder = tmp_path_factory.mktemp("film")
    files = []
    for number, made in enumerate(clips):
        one = {**made, **({"rate": 24, "size": (64, 48)} if are_alike else {})}
        width, height = one["size"]
        pixels = "yuv444p" if width % 2 else "yuv420p"
        seconds = float(one["count"] / Fraction(one["rate"]))
        heard = tone(max(0.1, seconds + one["longer_s"]), one["sound_rate"] or 44100, one["channels"])
        more = {"sound": heard, "sound_rate": one["sound_rate"], "layout": ("mono", "stereo")[one["channels"] - 1]}
        files.append(
            write_clip(
                folder / f"{number}.mp4",
                [moving_picture(n, width, height) for n in range(one["count"])],
                size=one["size"],
                rate=one["rate"],
                pix_fmt=pixels,
                **(more if one["sound_rate"] else {}),
            )
        )
    film = folder / "film.mp4"
    look = joined(files, film, transition_s=transition_s, audio=audio)
    total = sum(float(slot.clip.length_s) for slot in look.slots)
    given_s = sum(one["count"] / float(24 if are_alike else one["rate"]) for one in clips)
    assert total == pytest.approx(given_s, abs=0.001)
    step = float(1 / look.rate)
    picture, sound = lengths(film)
    assert picture == pytest.approx(total - (len(clips) - 1) * look.overlap * step, abs=0.51 * step + 0.001)
    if any(one["sound_rate"] for one in clips):
        assert sound == pytest.approx(picture, abs=max(step, 1024 / look.sound_rate))
    else:
        assert sound == -1.0

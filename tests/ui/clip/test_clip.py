"""What becomes of a clip that a visitor hands in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from emotion.clips.frames import ClipError
from emotion.clips.summary import ClipSummary
from emotion.labels import EMOTIONS
from emotion.types import EmotionScores, ImageReading
from tests.emotion.clips.making import write_clip
from tests.ui.clip.happy import Happy, face
from ui.clip import upload
from ui.clip.view import clip_in_words, clip_rows


@pytest.fixture
def hand_in(tmp_path: Path) -> Callable[..., ClipSummary]:
    def read(seconds: float = 2, *, seen: bool = True, **settings: object) -> ClipSummary:
        frames = [face() if seen else face()[:1, :1].repeat(160, 0).repeat(160, 1)]
        path = write_clip(tmp_path / "a.mp4", frames * round(10 * seconds))
        settings = {"on_wait": lambda: None, "on_progress": lambda part: None, **settings}
        return upload.read_uploaded_clip(path.read_bytes(), Happy(), **settings)  # type: ignore[arg-type]

    return read


def test_a_clip_in_brief(hand_in: Callable[..., ClipSummary]) -> None:
    progress: list[float] = []
    clip = hand_in(on_progress=progress.append)
    assert clip.people == 1
    assert clip.ending.faces[0].scores.emotion == "happy"
    assert progress == sorted(progress)
    assert progress[-1] == pytest.approx(0.9)


def test_clip_without_a_face_is_reported(hand_in: Callable[..., ClipSummary]) -> None:
    with pytest.raises(ClipError, match="No face found in this clip"):
        hand_in(seen=False)


def test_a_clip_that_is_too_long_is_refused_before_it_is_read(
    hand_in: Callable[..., ClipSummary], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "MAX_SECONDS", 0.5)
    progress: list[float] = []
    with pytest.raises(ClipError, match="too long"):
        hand_in(on_progress=progress.append)
    assert progress == []


def test_a_clip_that_takes_too_long_is_given_up(hand_in: Callable[..., ClipSummary]) -> None:
    now = iter(range(0, 10_000, 200))
    with pytest.raises(ClipError, match="takes too long"):
        hand_in(clock=lambda: next(now))
    hand_in()  # and the next one has its turn


def test_one_clip_is_read_at_a_time(hand_in: Callable[..., ClipSummary]) -> None:
    assert upload._turn.acquire(blocking=False)
    hand_in(on_wait=upload._turn.release)


def test_file_that_is_not_a_clip_is_reported() -> None:
    assert not upload.is_clip(b"\xff\xd8\xff\xe0 a photo")
    assert not upload.is_clip(b"\0\0\0\x18ftypheic\0\0\0\0")
    assert upload.is_clip(b"\0\0\0\x18ftypmp42\0\0\0\0")
    with pytest.raises(ClipError, match=r"^This file is not a clip or a picture we can read\.$"):
        upload.read_uploaded_clip(
            b"\0\0\0\x18ftypmp42\0\0\0\0",
            Happy(),
            on_wait=lambda: None,
            on_progress=lambda part: None,
        )


def summary(*led: str, times: tuple[float, ...] = ()) -> ClipSummary:
    moods = tuple(EmotionScores(tuple(float(n == name) for n in EMOTIONS)) for name in led)
    return ClipSummary(times or tuple(map(float, range(len(led)))), moods, 1, ImageReading(()))


@pytest.mark.parametrize(
    ("led", "words"),
    [
        (["happy"] * 9, "Happy all the way through."),
        (["happy"], "Happy all the way through."),
        ([*["sad"] * 9, "fear", *["happy"] * 9], "First sad, and happy at the end."),
        (
            [*["sad"] * 9, *["neutral"] * 5, *["happy"] * 9],
            "First sad, then neutral, and happy at the end.",
        ),
        (
            [name for name in (*EMOTIONS, "happy") for _ in range(5)],
            "First angry, then a bit of everything, and happy at the end.",
        ),
    ],
)
def test_the_moods_in_words(led: list[str], words: str) -> None:
    assert clip_in_words(summary(*led)) == words


def test_the_chart_has_a_gap_where_no_face_was() -> None:
    rows = clip_rows(summary("sad", "sad", "happy", times=(0.0, 0.5, 5.0)))
    assert [row["part"] for row in rows[:: len(EMOTIONS)]] == [0, 0, 1]
    assert {row["word"] for row in rows} >= {"disgusted", "afraid"}

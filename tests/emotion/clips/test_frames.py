"""What comes out of a clip: the right frames, upright, at the container's times, one at a time."""

from __future__ import annotations

import gc
import io
import weakref
from pathlib import Path

import numpy as np
import pytest

from emotion.clips import frames as module
from emotion.clips.frames import ClipError, ClipInfo, VideoUnavailable, clip_frames, upright
from tests.emotion.clips.making import SIZE, Image, write_clip


def times(path: Path, **options: float) -> list[float]:
    return [round(frame.time, 3) for frame in clip_frames(path, **options)]


def difference(one: Image, other: Image) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", {}),
        ("a.mov", "libx265", {"x265-params": "log-level=none"}),
        ("a.webm", "libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}),
        ("a.mkv", "libvpx", {"deadline": "realtime", "cpu-used": "8"}),
        ("a.avi", "mjpeg", {}),
        ("a.mpg", "mpeg2video", {}),
    ],
)
def test_every_kind_of_clip(
    name: str, codec: str, options: dict[str, str], tmp_path: Path, small: Image
) -> None:
    rate = 25 if name == "a.mpg" else 10
    form = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = write_clip(
        tmp_path / name, [small] * rate, codec=codec, rate=rate, pix_fmt=form, options=options
    )
    found = list(clip_frames(path, fps=5))
    assert [frame.time for frame in found] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8], abs=0.042)
    assert {frame.image.shape for frame in found} == {(SIZE, SIZE, 3)}
    assert all(difference(frame.image, small) < 12 for frame in found)


def test_a_gif_in_time(tmp_path: Path, small: Image) -> None:
    path = write_clip(tmp_path / "a.gif", [small] * 10, codec="gif", pix_fmt="rgb8")
    assert times(path) == [0, 0.2, 0.4, 0.6, 0.8]


def test_frames_that_come_irregularly_keep_the_containers_times(
    tmp_path: Path, small: Image
) -> None:
    when = [0, 10, 150, 210, 390, 1400, 1420, 1650]
    path = write_clip(tmp_path / "a.mkv", [small] * len(when), times_ms=when)
    assert times(path, fps=240) == [t / 1000 for t in when]
    # One in each fifth of a second, the first that comes; none where none comes.
    assert times(path, fps=5) == [0, 0.21, 1.4, 1.65]


def test_times_count_from_where_the_clip_begins(tmp_path: Path, small: Image) -> None:
    # MPEG's transport streams begin at any time.
    path = write_clip(tmp_path / "a.ts", [small] * 10, codec="mpeg2video", rate=25)
    assert times(path, fps=240)[:3] == [0, 0.04, 0.08]


@pytest.mark.parametrize(("held", "quarters"), [(None, 0), (-90, 1), (180, 2), (90, 3)])
def test_a_phone_held_upright_is_seen_upright(
    held: int | None, quarters: int, tmp_path: Path, small: Image
) -> None:
    wide = small[: SIZE // 2]
    stored = [np.rot90(wide, quarters)] * 3
    (frame, *_) = clip_frames(write_clip(tmp_path / "a.mp4", stored, rotation=held))
    assert frame.image.shape == wide.shape
    assert difference(frame.image, wide) < 12


@pytest.mark.parametrize(
    "matrix", [(1, 0, 0, 1), (-1, 0, 0, 1), (1, 0, 0, -1), (-1, 0, 0, -1),
               (0, 1, 1, 0), (0, 1, -1, 0), (0, -1, 1, 0), (0, -1, -1, 0)],
)  # fmt: skip
def test_all_eight_ways_to_hold_a_camera(matrix: tuple[int, int, int, int]) -> None:
    stored = np.arange(2 * 3, dtype=np.uint8).reshape(2, 3, 1).repeat(3, axis=2)
    a, b, c, d = matrix
    # Each pixel by itself, as the container's standard has it.
    places = {
        (a * x + c * y, b * x + d * y): int(stored[y, x, 0]) for y in range(2) for x in range(3)
    }
    left, top = (min(place[axis] for place in places) for axis in (0, 1))
    shown = upright(stored, matrix)
    assert shown.shape == ((2, 3, 3) if a else (3, 2, 3))
    for (x, y), value in places.items():
        assert shown[y - top, x - left, 0] == value


def test_pixels_that_are_not_square_are_made_so(tmp_path: Path, small: Image) -> None:
    import av

    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = SIZE, SIZE, "yuv420p"
        stream.codec_context.sample_aspect_ratio = 2
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(small, format="rgb24")))
        container.mux(stream.encode())
    (frame, *_) = clip_frames(path)
    assert frame.image.shape == (SIZE, 2 * SIZE, 3)


def test_large_frames_are_made_smaller(
    tmp_path: Path, small: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_SIDE_PX", SIZE // 2)
    (frame, *_) = clip_frames(write_clip(tmp_path / "a.mp4", [small] * 3))
    assert frame.image.shape == (SIZE // 2, SIZE // 2, 3)
    assert frame.scale == 0.5
    with pytest.raises(ClipError, match="too large: 160 × 160"):
        next(clip_frames(tmp_path / "a.mp4", max_pixels=SIZE * SIZE - 1))


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\n{clip}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{clip}'\n",
    ],
)
def test_a_list_of_other_files_is_not_followed(text: str, clip: Path) -> None:
    path = clip.with_name("list.mp4")
    path.write_text(text.format(clip=clip))
    for source in (path, io.BytesIO(path.read_bytes())):
        with pytest.raises(ClipError, match="not a clip"):
            next(clip_frames(source))


def test_no_more_than_one_frame_is_held(tmp_path: Path, small: Image) -> None:
    path = write_clip(tmp_path / "a.mp4", [small] * 30)
    alive: list[weakref.ref[Image]] = []
    most = 0
    for frame in clip_frames(path, fps=10):
        alive.append(weakref.ref(frame.image))
        most = max(most, sum(image() is not None for image in alive))
    assert len(alive) == 30
    assert most <= 2  # this one, and the last until it is replaced


def test_no_decoded_frame_waits_for_the_garbage_collector(tmp_path: Path, small: Image) -> None:
    # It comes by after hundreds of frames only, which in high definition are a gigabyte.
    import av

    path = write_clip(tmp_path / "a.mp4", [small] * 30)
    gc.collect()
    gc.disable()
    try:
        for _ in clip_frames(path, fps=10):
            held = sum(isinstance(thing, av.VideoFrame) for thing in gc.get_objects())
    finally:
        gc.enable()
    assert held <= 6  # the first one, this one, and those that the decoder just gave


def test_an_open_file_is_read_like_one_on_disk(clip: Path) -> None:
    info = ClipInfo()
    from_memory = clip_frames(io.BytesIO(clip.read_bytes()), info=info)
    assert [frame.time for frame in from_memory] == [frame.time for frame in clip_frames(clip)]
    assert info.frames == 10
    assert info.duration == pytest.approx(1)


@pytest.mark.parametrize("suffix", ["mp4", "avi"])
@pytest.mark.parametrize("error", [ConnectionResetError("lost"), ValueError("closed")])
def test_a_file_that_is_lost_is_not_taken_for_a_short_one(
    suffix: str, error: Exception, tmp_path: Path, small: Image, capfd: pytest.CaptureFixture[str]
) -> None:
    data = write_clip(tmp_path / f"take.{suffix}", [small] * 50).read_bytes()
    for last in range(3):

        class Lost(io.BytesIO):
            reads = 0

            def read(self, size: int | None = -1) -> bytes:
                self.reads += 1
                if self.reads > last:  # noqa: B023
                    raise error
                return super().read(min(2048, size or 2048) if self.reads == 1 else size)

        with pytest.raises(type(error), match=str(error)):
            list(clip_frames(Lost(data)))
    assert capfd.readouterr().err == ""


def test_file_that_is_not_a_clip_is_reported(tmp_path: Path, clip: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("not a clip")
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(clip.read_bytes()[:600])
    empty = tmp_path / "empty.mp4"
    empty.touch()
    for path in (text, cut, empty):
        for source in (path, io.BytesIO(path.read_bytes())):
            with pytest.raises(ClipError, match="not a clip"):
                next(clip_frames(source))
    with pytest.raises(FileNotFoundError):
        next(clip_frames(tmp_path / "none.mp4"))


def test_clip_without_video_stream_is_reported(tmp_path: Path) -> None:
    import av

    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(ClipError, match="no video"):
        next(clip_frames(path))


def test_a_damaged_part_is_left_out_and_counted(tmp_path: Path, small: Image) -> None:
    rng = np.random.default_rng(1)
    noise = [rng.integers(0, 255, small.shape, np.uint8) for _ in range(30)]
    path = write_clip(tmp_path / "a.avi", noise, codec="mjpeg", pix_fmt="yuvj420p")
    data = bytearray(path.read_bytes())
    begin = data.find(b"\xff\xd8", len(data) // 2)
    end = data.find(b"\xff\xd9", begin)
    data[begin:end] = bytes(end - begin)
    path.write_bytes(data)
    info = ClipInfo()
    found = list(clip_frames(path, fps=10, info=info))
    assert info.damaged == 1
    assert len(found) == info.frames == 29


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf"), 1000])
def test_a_rate_out_of_range(fps: float, clip: Path) -> None:
    with pytest.raises(ValueError, match="'fps'"):
        next(clip_frames(clip, fps=fps))


def test_missing_pyav_message_says_what_to_install(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(VideoUnavailable, match="pip install av"):
        next(clip_frames(clip))

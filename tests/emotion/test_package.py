from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import emotion

ROOT = Path(__file__).parents[2]


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, cwd=ROOT, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def test_importing_loads_neither_streamlit_nor_tensorflow() -> None:
    heavy = "{'streamlit', 'tensorflow', 'keras', 'torch', 'mtcnn'} & set(sys.modules)"
    assert python(f"import sys, emotion; print({heavy})") == "set()\n"


def test_importing_is_quick() -> None:
    # Time on the processor, so that a busy machine does not fail it.
    code = "import time; t = time.process_time(); import emotion; print(time.process_time() - t)"
    assert min(float(python(code)) for _ in range(3)) < 0.5


def test_reading_a_hard_photo_loads_neither(astronaut: object) -> None:
    # Turned on its side, so that MTCNN has its turn, too.
    code = (
        "import sys, numpy, skimage.data, emotion; "
        "photo = numpy.rot90(skimage.data.astronaut()).copy(); "
        "readings = emotion.EmotionRecognizer().read(photo); "
        "print(len(readings), {'streamlit', 'tensorflow', 'mtcnn'} & set(sys.modules))"
    )
    assert python(code) == "1 set()\n"


def test_a_stream_is_read_without_streamlit_or_av() -> None:
    code = (
        "import itertools, sys, numpy, skimage.data, emotion; "
        "clock = itertools.count(0.0, 0.05).__next__; "
        "stream = emotion.FaceStream(emotion.EmotionClassifier(), clock=clock); "
        "frame = numpy.ascontiguousarray(skimage.data.astronaut()); "
        "seen = [stream.process(frame, number / 10) for number in range(10)]; "
        "shown, reading = seen[-1]; "
        "print(shown.shape, isinstance(reading, emotion.LiveReading), reading.emotion, "
        "{'streamlit', 'av', 'tensorflow'} & set(sys.modules))"
    )
    assert python(code) == "(512, 512, 3) True happy set()\n"


@pytest.mark.parametrize("name", emotion.__all__)
def test_every_public_name_is_importable(name: str) -> None:
    assert getattr(emotion, name) is not None


def test_no_module_takes_a_public_name() -> None:
    # Whoever imports a module `emotion.annotate` first finds it where the function should be.
    modules = {module.name for module in pkgutil.iter_modules(emotion.__path__)}
    assert modules.isdisjoint(emotion.__all__)


def test_unknown_attribute_raises_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'moods'"):
        _ = emotion.moods

"""The pages read faces where TensorFlow is not installed."""

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).with_name("without_tensorflow.py")


def test_a_selfie_is_read_and_every_module_is_imported() -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM)],
        cwd=PROGRAM.parents[2],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "happy" in done.stdout.lower()

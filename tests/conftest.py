"""What every test needs."""

import gc

# First of all: where TensorFlow is in the process already, the SRTP library of the live camera
# crashes the interpreter when it is loaded. The app never loads TensorFlow; the tests of `model`
# do, and share a process with those of the camera.
import streamlit_webrtc  # noqa: F401


def pytest_collection_finish() -> None:
    """Spare the garbage collector what was imported.

    Streamlit collects after every run of a page, which takes seconds where the modules of the
    tests have loaded TensorFlow: all of them are in the process once the tests are collected.
    """
    gc.collect()
    gc.freeze()

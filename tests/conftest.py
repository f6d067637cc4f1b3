"""What every test needs."""

import functools
import gc
from collections.abc import Iterator

import pytest

# First of all: where TensorFlow is in the process already, the SRTP library of the live camera
# crashes the interpreter when it is loaded. The app never loads TensorFlow; the tests of `model`
# do, and share a process with those of the camera.
import streamlit_webrtc  # noqa: F401
from streamlit.components.v2 import manifest_scanner


def pytest_collection_finish() -> None:
    """Spare the garbage collector what was imported.

    Streamlit collects after every run of a page, which takes seconds where the modules of the
    tests have loaded TensorFlow: all of them are in the process once the tests are collected.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _packages_are_scanned_once() -> Iterator[None]:
    """Spare every `AppTest` its search for components in all the packages that are installed.

    A server does so once, when it starts. The harness begins with it in every test: nine tenths of
    what the test of a page would take.
    """
    scan = manifest_scanner.scan_component_manifests
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", functools.cache(scan))
        yield

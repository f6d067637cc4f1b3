"""Fixtures and hooks for every test."""

import functools
import gc
import sys
from collections.abc import Iterator

import pytest

# Comes first: the SRTP library of the live camera crashes the interpreter if TensorFlow is loaded
# before it. The app never loads TensorFlow; the tests of `model` do, and share a process with those
# of the camera.
import streamlit_webrtc  # noqa: F401
from streamlit.components.v2 import manifest_scanner

MAIN = sys.modules["__main__"]


@pytest.fixture(autouse=True)
def _main_module_is_that_of_the_tests() -> None:
    """Restore the main module, which Streamlit replaces by the script that an `AppTest` runs.

    Processes that a later test starts would run that script first.
    """
    sys.modules["__main__"] = MAIN


def pytest_collection_finish() -> None:
    """Exempt what was imported from garbage collection.

    Streamlit collects garbage after every run of a page, which takes seconds if the test modules
    have loaded TensorFlow: all of them are in the process once pytest has collected the tests.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _packages_are_scanned_once() -> Iterator[None]:
    """Search the installed packages for components once, and not in every `AppTest`.

    A server does so once, when it starts. The harness does it in every test, which would be nine
    tenths of the time that the test of a page takes.
    """
    scan = manifest_scanner.scan_component_manifests
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", functools.cache(scan))
        yield

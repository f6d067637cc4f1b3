"""What every test needs."""

import functools
import gc
import sys
from collections.abc import Iterator

import pytest

# First of all: where TensorFlow is in the process already, the SRTP library of the live camera
# crashes the interpreter when it is loaded. The app never loads TensorFlow; the tests of `model`
# do, and share a process with those of the camera.
import streamlit_webrtc  # noqa: F401
from streamlit.components.v2 import manifest_scanner

MAIN = sys.modules["__main__"]


@pytest.fixture(autouse=True)
def _main_module_is_that_of_the_tests() -> None:
    """Take back the main module, for which Streamlit puts the script that an `AppTest` runs.

    Processes that a later test starts would run that script first.
    """
    sys.modules["__main__"] = MAIN


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

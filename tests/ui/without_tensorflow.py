"""Reads a selfie in a process where TensorFlow and Keras cannot be imported, as if not installed.

Imports every module of `ui` as well. `test_without_tensorflow.py` runs it as a program; an
exception or an exit status other than 0 is the failure.
"""

from __future__ import annotations

import importlib
import io
import pkgutil
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
HIDDEN = ("tensorflow", "keras")


class Hidden:
    """A finder that finds none of the hidden packages."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def main() -> None:
    sys.path.insert(0, str(ROOT))
    sys.meta_path.insert(0, Hidden())  # type: ignore[arg-type]  # all that is asked of a finder

    import skimage.data
    from PIL import Image
    from streamlit.testing.v1 import AppTest

    photo = io.BytesIO()
    Image.fromarray(skimage.data.astronaut()).save(photo, "JPEG")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=300).run()
    app.switch_page("pages/selfie.py").run()
    app.file_uploader[0].upload("me.jpg", photo.getvalue()).run()
    assert not app.exception, app.exception[0].message
    assert app.session_state["visitor"].photo is not None
    # Not before: components are registered with a script's runtime.
    import ui

    for module in pkgutil.walk_packages(ui.__path__, "ui."):
        importlib.import_module(module.name)
    assert not [name for name in sys.modules if name.partition(".")[0] in HIDDEN]
    print(app.title[0].value)  # noqa: T201


if __name__ == "__main__":
    main()

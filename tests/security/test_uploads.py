"""A picture is gone when it should be: by address, in memory and on the disk."""

from __future__ import annotations

import io
import re
import uuid
from base64 import b64decode
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tests.security.served import ROOT, Served, Visitor, arrive, wait_for
from tests.security.server_fixture import served, trap  # noqa: F401
from ui.photo.picture import MAX_PICTURE_SIDE_PX, data_url

MARK = b"MARK-of-this-very-picture-" * 4


def photo(mark: bytes = MARK, picture: Any = None) -> bytes:
    """A picture with a face whose file can be told from all others."""
    out = io.BytesIO()
    shown = data.astronaut() if picture is None else picture
    Image.fromarray(shown).save(out, "JPEG", comment=mark)
    return out.getvalue()


def addresses(visitor: Visitor) -> list[str]:
    return [image.url for images in visitor.all_of("imgs") for image in images.imgs]


def gone(served: Served, **expected: int) -> bool:  # noqa: F811
    held = served.held(MARK)
    return all(held[name] == value for name, value in expected.items())


@pytest.fixture
def visitor(served: Served) -> Visitor:  # noqa: F811
    visitor = arrive(served)
    visitor.run("selfie")
    return visitor


def test_uploaded_shown_and_gone(served: Served, visitor: Visitor) -> None:  # noqa: F811
    visitor.hand_in(photo())
    assert "happy" in visitor.text
    (shown,) = addresses(visitor)
    assert shown.startswith("data:image/jpeg;base64,")
    held = served.held(MARK)
    assert held["photos"] >= 1
    # The file itself went as soon as it was read, whatever this "browser" did not say.
    assert (held["uploads"], held["files"], held["found"]) == (0, 0, 0)
    everything = [served.ask(f"/media/{name}").body for name in held["media"]]
    assert not any(body.startswith(b"\xff\xd8") for body in everything)

    visitor.leave()
    assert wait_for(
        lambda: gone(
            served, sessions=0, visits=0, photos=0, files=0, drawers=0, media_of=0, found=0
        )
    ), served.held(MARK)
    for name in held["media"]:
        for suffix in ("", ".jpg", ".png"):
            assert served.ask(f"/media/{name}{suffix}").status == 404
    assert served.held()["media"] == []
    on_disk = [
        one for one in served.folder.rglob("*") if one.is_file() and MARK[:26] in one.read_bytes()
    ]
    assert on_disk == []
    assert list((served.folder / "tmp").iterdir()) == []
    assert "Traceback" not in served.log


def test_a_picture_without_a_face_is_no_address_either(visitor: Visitor) -> None:
    visitor.hand_in(photo(picture=data.coffee()))
    assert "No face found" in visitor.text
    assert [url[:23] for url in addresses(visitor)] == ["data:image/jpeg;base64,"]
    visitor.leave()


def test_a_file_that_is_no_picture_goes_as_well(served: Served, visitor: Visitor) -> None:  # noqa: F811
    visitor.hand_in(b"no picture at all " + MARK)
    assert served.held(MARK)["found"] == 0
    assert served.held()["files"] == 0
    visitor.leave()


def test_what_was_uploaded_and_never_read_goes_with_the_session(
    served: Served,  # noqa: F811
    visitor: Visitor,
) -> None:
    before = served.held()["files"]
    assert visitor.upload(photo()).status == 204
    held = served.held(MARK)
    assert held["files"] == before + 1
    assert held["found"] == 1
    visitor.leave()
    assert wait_for(lambda: gone(served, sessions=0, files=0, drawers=0, found=0))


def test_one_visitor_s_uploads_take_a_bounded_room(served: Served, visitor: Visitor) -> None:  # noqa: F811
    room, most = 40 * 1024 * 1024, 8
    for _ in range(4):
        assert visitor.upload(bytes(15_000_000)).status == 204
    assert served.held()["uploads"] <= room
    for _ in range(20):
        assert visitor.upload(b"small").status == 204
    assert served.held()["files"] <= most
    # The latest is there, and is read.
    visitor.hand_in(photo())
    assert "happy" in visitor.text
    visitor.leave()
    assert wait_for(lambda: gone(served, files=0, drawers=0))


def test_no_one_uploads_for_a_session_that_is_not_theirs_or_not_there(
    served: Served,  # noqa: F811
    visitor: Visitor,
) -> None:
    for session in (str(uuid.uuid4()), "..", "x" * 3000, "%00"):
        assert visitor.upload(b"data", session=session).status in (400, 404, 413)
    other = visitor.served.ask(
        f"/_stcore/upload_file/{visitor.session}/{uuid.uuid4()}", method="PUT", body=b"x"
    )
    assert other.status == 403  # no token
    assert served.held()["drawers"] == 0
    visitor.leave()


def test_an_upload_that_is_too_large_is_refused(served: Served, visitor: Visitor) -> None:  # noqa: F811
    assert visitor.upload(bytes(106 * 1024 * 1024)).status == 413
    assert served.held()["files"] == 0
    visitor.leave()


def test_a_visitor_may_come_back_in_time(served: Served, visitor: Visitor) -> None:  # noqa: F811
    visitor.hand_in(photo())
    visitor.leave()
    again = arrive(served, session=visitor.session)
    again.run("selfie")
    assert again.session == visitor.session
    assert addresses(again)
    again.leave()


def test_a_photo_travels_no_larger_than_a_page_needs() -> None:
    for shape in ((3000, 2000, 3), (48, 48), (10, 9000, 3)):
        url = data_url(np.zeros(shape, np.uint8))
        head, _, body = url.partition(",")
        assert head == "data:image/jpeg;base64"
        assert max(Image.open(io.BytesIO(b64decode(body))).size) <= MAX_PICTURE_SIDE_PX


def test_no_page_puts_an_array_behind_an_address() -> None:
    """`st.image` makes a file of an array; `picture` does not. A notebook's own figures may."""
    allowed = {"photo/picture.py", "notebook/view.py"}
    for source in [*(ROOT / "pages").rglob("*.py"), *(ROOT / "ui").rglob("*.py")]:
        calls = re.findall(r"st\.(?:image|audio|video|pyplot)\(", source.read_text("utf-8"))
        assert not calls or "/".join(source.parts[-2:]) in allowed, source

"""Names from a catalogue are text, wherever they stand on a page."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import DESKTOP
from tests.browser.conftest import ROOT
from tests.browser.test_restart import Server
from ui.wording import WORD_JOINER

NAMES = (
    "www.evil.com",
    "WWW.EVIL.COM/a?b=c",
    "https://evil.com/login",
    "http://evil.com",
    "ftp://evil.com/x",
    "mailto:me@evil.com",
    "me@evil.com",
    "write to me.too+spam@sub.evil.com now",
    "xmpp:me@evil.com/chat",
    "<https://evil.com>",
    "[here](https://evil.com)",
    "![x](https://evil.com/x.png)",
    "<a href=https://evil.com>x</a>",
    ":red[evil.com] $x^2$ :smile:",
)


SCRIPT = """
import json, sys
sys.path.insert(0, {root!r})
import streamlit as st
from ui.wording import escape_markdown
st.title("Names", anchor=False)
for place, name in enumerate(json.loads({names!r})):
    st.markdown(escape_markdown(name))
    st.caption(f"only jazz · without {{escape_markdown(name)}}")
    st.button(f"Allow {{escape_markdown(name)}} again", key=str(place))
    st.markdown(f"- [{{escape_markdown(name)}}](https://open.spotify.com/track/1) · liked")
    st.toast(f"{{escape_markdown(name)}} is up next.", duration="long")
    with st.expander(escape_markdown(name)):
        st.radio("Device", [name], format_func=escape_markdown, key=f"radio-{{place}}")
st.header("The end", anchor=False)
"""


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    script = tmp_path / "names.py"
    text = SCRIPT.format(root=str(ROOT), names=json.dumps(NAMES))
    script.write_text(text, encoding="utf-8")
    server = Server(tmp_path / "diary.sqlite", str(script))
    server.begin()
    context = browser.new_context(viewport=DESKTOP)
    page = context.new_page()
    page.goto(server.address)
    yield page
    context.close()
    server.end()


def test_no_name_becomes_a_link_or_anything_else(page: Page) -> None:
    expect(page.get_by_role("heading", name="The end")).to_be_visible()
    page.wait_for_timeout(500)
    addresses = page.locator("a").evaluate_all("all => all.map(one => one.href)")
    assert {one for one in addresses if "evil" in one} == set()
    assert addresses.count("https://open.spotify.com/track/1") == len(NAMES)
    assert page.locator("img[src*='evil'], .katex").count() == 0
    shown = page.locator("[data-testid=stMarkdownContainer] > p").all_inner_texts()
    visible = {text.replace(WORD_JOINER, "") for text in shown}
    assert set(NAMES) <= visible

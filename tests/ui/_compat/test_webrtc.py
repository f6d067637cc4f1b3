"""The private parts of streamlit-webrtc that the live page relies on.

Those of aiortc and aioice are tested in `tests/security/test_live_privacy.py`.
"""

from importlib.metadata import version

from streamlit_webrtc.component import (
    WebRtcStreamerContext,
    WebRtcStreamerState,
    generate_frontend_component_key,
)

from ui._compat import webrtc


def test_installed_version_is_the_supported_one() -> None:
    assert version("streamlit-webrtc").startswith("0.79.")


def test_a_connection_forgets_the_runs_without_it() -> None:
    context: WebRtcStreamerContext[object, object] = WebRtcStreamerContext(
        worker=None, state=WebRtcStreamerState(playing=False, signalling=False)
    )
    assert context._last_rendered_run_count is None  # what a new connection begins with
    context._last_rendered_run_count = 7
    webrtc.forget_rendered_runs(context)
    assert context._last_rendered_run_count is None
    webrtc.forget_rendered_runs(None)


def test_the_browser_part_has_a_key_of_its_own() -> None:
    assert webrtc.component_state_key("live") == generate_frontend_component_key("live") != "live"

"""The router: what surrounds every page, and nothing else.

Streamlit runs this file for every visitor. Before that, its server imports it once and serves the
`app` it finds: the same router, behind the middleware that keeps our promises.
"""

from pathlib import Path

import streamlit as st
from streamlit.starlette import App

STATIC = Path(__file__).parent / "static"

if __name__ == "__main__":
    # Only here: components register themselves with a running server.
    from recommender.errors import CatalogError
    from ui import services
    from ui._compat import navigation as _compat_navigation
    from ui.navigation import PageEnd
    from ui.playlist import player
    from ui.spotify import sign_in
    from ui.widgets import state_backup
    from ui.widgets.connection_notice import connection_notice

    _compat_navigation.patch_streamlit()

    st.set_page_config(page_title="Affectune", page_icon=STATIC / "icon.png", layout="wide")
    st.logo(str(STATIC / "logo.svg"), size="large")

    pages = {
        "home": st.Page("pages/home.py", title="Home", default=True),
        "live": st.Page("pages/live.py", title="Live"),
        "selfie": st.Page("pages/selfie.py", title="Selfie"),
        "playlist": st.Page("pages/playlist.py", title="Playlist"),
        "diary": st.Page("pages/diary.py", title="Diary"),
        "model": st.Page("pages/model.py", title="Model"),
        "notebook": st.Page("pages/notebook.py", title="Notebook"),
        "settings": st.Page("pages/settings.py", title="Settings"),
        "spotify_key": st.Page("pages/spotify_key.py", title="Spotify key"),
    }
    ABOUT = ("settings", "model", "notebook", "spotify_key")
    page = st.navigation(
        {
            "": [page for name, page in pages.items() if name not in ABOUT],
            "About": [pages[name] for name in ABOUT],
        },
        position="top",
    )

    if page is not pages["home"]:
        st.set_page_config(page_title=f"{page.title} · Affectune")

    services.warm_up()

    # The browser may hold a backup of what an earlier session knew.
    state_backup.restore_from_browser()

    # Before anything is drawn: the address may hold Spotify's response.
    sign_in.handle_oauth_redirect()

    wanted = pages.get(st.session_state.get("_navigate_to", ""), page)
    if wanted.url_path != page.url_path:
        st.switch_page(wanted)
    st.session_state.pop("_navigate_to", None)  # not earlier: the switch may be interrupted
    st.session_state["_routed"] = True  # for `require_router`, and for this run only
    state_backup.announce_restored()
    interrupted = False
    try:
        page.run()
    except PageEnd:
        pass
    except CatalogError as error:  # found only when the damaged part is read
        if not services.play_starter(error):
            raise
        interrupted = True
        st.rerun()
    except _compat_navigation.run_ending_exceptions():
        # Anything drawn now might request a rerun, which would replace the newer request and lose
        # the click that it carries.
        interrupted = True
        raise
    finally:  # also for a page that ends early
        if not interrupted:
            # Outside the page, so that the music goes on when the page changes.
            player.draw()
            connection_notice()
            state_backup.back_up()

else:
    from ui.server import setup as server

    app = App(
        __file__,
        routes=server.routes(),
        middleware=server.MIDDLEWARE,
        lifespan=server.lifespan,
    )
    server.harden(app)

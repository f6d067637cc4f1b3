"""The rows of a playlist."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, get_args

from recommender.taste.taste import Verdict
from recommender.types import Pick
from ui import browser_values
from ui.place_color import place_color
from ui.widgets.frontend import component

_rows = component("track_list")

_VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)


def track_list(
    picks: Sequence[Pick],
    *,
    key: str,
    current: str | None,
    liked: Collection[str] = (),
    change: tuple[str, str] | None = None,
    on_play: Callable[[str], None],
    on_verdict: Callable[[str, Verdict], None],
    on_ban: Callable[[str, str], None] | None = None,
    on_similar: Callable[[str], None] | None = None,
    on_undo: Callable[[], None],
) -> None:
    """Draw one row per track: play, title and artists, reason; below the playing one the verdicts.

    A Streamlit button that shows only an icon is named after the icon: a screen reader would meet
    fifteen buttons named "play_arrow".

    Args:
        picks: the tracks in playing order.
        key: unique on the page.
        current: the id of the track in the player, until the player itself reports it. Its row has
            the verdicts and a link to Spotify.
        liked: ids of liked tracks.
        change: the id of a row, and the sentence about the last verdict to show below it.
        on_play: called with the id of the row whose button was pressed.
        on_verdict: called with the id of the playing row and the verdict on it.
        on_ban: called with the id of the playing row and the artist to leave out; without it there
            are no such buttons.
        on_similar: called with the id of the playing row, for similar tracks after it; without it
            there is no such button.
        on_undo: called to undo the last verdict.
    """

    def pressed() -> None:
        track = browser_values.sent(key, "play", browser_values.text)
        if track:
            on_play(track)

    def judged() -> None:
        said = browser_values.sent(key, "verdict", _verdict)
        if said:
            on_verdict(*said)

    def similar() -> None:
        track = browser_values.sent(key, "similar", browser_values.text)
        if track and on_similar is not None:
            on_similar(track)

    def banned() -> None:
        said = browser_values.sent(key, "ban", _ban)
        if said and on_ban is not None:
            on_ban(*said)

    def undone() -> None:
        if browser_values.sent(key, "undo", bool):
            on_undo()

    _rows(
        key=key,
        on_play_change=pressed,
        on_verdict_change=judged,
        on_ban_change=banned,
        on_similar_change=similar,
        on_undo_change=undone,
        data={
            "label": "Tracks in playing order",
            "current": current,
            "bans": on_ban is not None,
            "similar": on_similar is not None,
            "change": None if change is None else dict(zip(("track", "text"), change, strict=True)),
            "rows": [
                {
                    "id": pick.track.id,
                    "number": number,
                    "title": pick.track.title,
                    "artists": ", ".join(pick.track.artists),
                    "names": list(pick.track.artists),
                    "reason": pick.reason,
                    "url": pick.track.url,
                    "color": place_color(pick.track.position),
                    "length": track_length(pick.track.duration_ms),
                    "liked": pick.track.id in liked,
                }
                for number, pick in enumerate(picks, start=1)
            ],
        },
    )


def _verdict(values: Any) -> tuple[str, Verdict]:
    """Return the id of a track and the verdict on it."""
    return (
        browser_values.text(values["id"]),
        browser_values.one_of(_VERDICTS, values["verdict"]),
    )


def _ban(values: Any) -> tuple[str, str]:
    """Return the id of a track and the artist to leave out from there on."""
    return browser_values.text(values["id"]), browser_values.text(values["artist"])


def track_length(duration_ms: int | None) -> str:
    """Return a track's length as "3:07"; an empty text if it is not known."""
    if not duration_ms:
        return ""
    minutes, seconds = divmod(round(duration_ms / 1000), 60)
    return f"{minutes}:{seconds:02}"

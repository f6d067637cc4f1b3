"""How long a visitor waits when Spotify is in trouble, and what they are told.

A small Spotify on loopback has each fault in turn; the client's own timeouts are the shipped ones.
Prints a table: the fault, the seconds of each thing that a visitor may do, the sentence.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from recommender.catalog.catalog import Catalog
from recommender.recommender import Recommender
from recommender.spotify import Limits, SpotifyClient, SpotifyError
from recommender.spotify.cache import DayCache
from recommender.spotify.playlists import Saves, save
from recommender.spotify.profile import read_profile
from recommender.spotify.search import find_tracks
from recommender.types import Mood, Playlist
from tests.recommender.spotify import server as scripted
from tests.recommender.spotify.server import Fault, SpotifyServer
from tests.recommender.spotify.test_faults import FAULTS

WORST = {
    "never answers": scripted.slow(60),
    "a byte a second": Fault(200, "{}" * 100, trickle=1),
}
Action = Callable[[SpotifyClient], object]


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    with Catalog.open() as catalog, SpotifyServer() as spotify:
        mood = Mood(-0.6, -0.3)
        actions = _actions(catalog, Recommender(catalog).recommend(mood, n=20, seed=1))
        print("| fault | " + " | ".join(actions) + " | what the visitor is told |")
        print("|---" * (len(actions) + 2) + "|")
        for name, fault in {**{name: said[0] for name, said in FAULTS.items()}, **WORST}.items():
            spotify.heal()
            spotify.always("*", fault)
            told = [_timed(spotify, action) for action in actions.values()]
            seconds = " | ".join(f"{second:.1f} s" for second, _ in told)
            print(f"| {name} | {seconds} | {told[0][1]} |", flush=True)


def _actions(catalog: Catalog, playlist: Playlist) -> dict[str, Action]:
    slots = playlist.journey
    return {
        "search": lambda client: client.search("folk"),
        "fresh tracks": lambda client: find_tracks(client, catalog, slots, cache=DayCache()),
        "taste": read_profile,
        "save": lambda client: save(client, playlist, key="a", saves=Saves()),
        "play": lambda client: client.play("d1", ["spotify:track:1"]),
    }


def _timed(spotify: SpotifyServer, action: Action) -> tuple[float, str]:
    """Return the seconds that an action took, and what the visitor is told."""
    token = spotify.token("ann")
    client = SpotifyClient(lambda: token, api_url=spotify.api_url, limits=Limits())
    begun = time.monotonic()
    try:
        action(client)
        said = "nothing: it worked"
    except SpotifyError as error:
        said = error.sentence
    return time.monotonic() - begun, said


if __name__ == "__main__":
    main()

from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from recommender.sharing.elsewhere import elsewhere
from recommender.types import Track


def test_a_track_is_searched_for_by_artist_and_title_wherever_it_is(
    track: Callable[..., Track],
) -> None:
    found = track(id="x" * 22, title="R&B / 100 % #1?", artists=("AC/DC", "Björk"))
    links = elsewhere(found)
    assert [link.service for link in links] == [
        *("Spotify", "YouTube Music", "Apple Music", "Deezer", "Bandcamp")
    ]
    assert links[0].url == f"https://open.spotify.com/track/{'x' * 22}"
    for link in links[1:]:
        assert link.url.endswith("AC%2FDC%20Bj%C3%B6rk%20R%26B%20%2F%20100%20%25%20%231%3F")
        assert unquote(link.url).endswith("AC/DC Björk R&B / 100 % #1?")
        assert urlsplit(link.url).scheme == "https"

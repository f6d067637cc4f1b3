from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from recommender.catalog.catalog import Catalog
from recommender.journey import plan
from recommender.mood import COORDINATES, mood_of
from recommender.recommender import Recommender
from recommender.sharing.link import BROKEN, OTHER_VERSION, SharedPlaylist, decode, encode
from recommender.sharing.link_repair import in_address
from recommender.taste.taste import Taste
from recommender.types import INTENTS, Filters, Mood, Pick, Playlist, Track

Make = Callable[..., Track]

EMOTIONS = (
    None,
    {"sad": 1.0},
    {"angry": 0.61, "fear": 0.2, "neutral": 0.19},
    {"happy": 1 / 3, "surprise": 1 / 3, "neutral": 1 / 3},
    {name: 0.1 + 0.013 * place for place, name in enumerate(COORDINATES)},
)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory, starter: Catalog) -> Iterator[Catalog]:
    """The starter catalogue without every fourth of its tracks."""
    path: Path = tmp_path_factory.mktemp("other") / "table.csv"
    lines = starter.source.read_text(encoding="utf-8").splitlines()
    kept = [line for place, line in enumerate(lines) if place % 4 != 3]
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    with Catalog.open(path) as catalog:
        yield catalog


@pytest.fixture(scope="module")
def opened_again(starter: Catalog) -> Iterator[Catalog]:
    """The starter catalogue, read once more."""
    with Catalog.open(starter.source) as catalog:
        yield catalog


def _again(shared: SharedPlaylist, catalog: Catalog) -> str:
    return encode(
        shared.playlist, catalog=catalog, emotions=shared.emotions, filters=shared.filters
    )


@pytest.mark.parametrize("intent", INTENTS)
@pytest.mark.parametrize("genres", [(), ("folk", "rnb")])
# Each is written by itself, so not every one of these is met with every other.
@pytest.mark.parametrize(("emotions", "n"), [*zip(EMOTIONS, cycle((1, 2, 7, 20)), strict=False)])
def test_the_same_catalogue_gives_the_same_playlist(
    starter: Catalog,
    opened_again: Catalog,
    intent: Any,
    emotions: Any,
    genres: tuple[str, ...],
    n: int,
) -> None:
    mood = mood_of(emotions) if emotions else Mood(-0.3, 0.7)
    filters = Filters(genres=genres, explicit=False)
    playlist = Recommender(starter).recommend(
        mood, intent=intent, n=n, emotions=emotions, filters=filters, seed=n
    )
    text = encode(playlist, catalog=starter, emotions=emotions, filters=filters)
    shared = decode(text, catalog=opened_again)
    assert shared.playlist == playlist
    assert (shared.missing, shared.other_catalog) == (0, False)
    assert _again(shared, starter) == text


@pytest.mark.parametrize("intent", INTENTS)
@pytest.mark.parametrize("genre", ["ambient", "j-pop & anime", "musicals"])
def test_a_playlist_that_ran_out_of_tracks_is_the_same(
    starter: Catalog, intent: Any, genre: str
) -> None:
    filters = Filters(genres=(genre,))
    playlist = Recommender(starter).recommend(
        Mood(-0.6, -0.3), intent=intent, n=60, filters=filters, seed=3
    )
    assert len(playlist.picks) < 60
    text = encode(playlist, catalog=starter, filters=filters)
    assert decode(text, catalog=starter).playlist == playlist


def test_a_target_of_one_s_own_is_kept(starter: Catalog) -> None:
    playlist = Recommender(starter).recommend(
        Mood(0.1, 0.2), target=Mood(-0.4, -0.123456789), n=9, seed=(1 << 62) + 5
    )
    assert decode(encode(playlist, catalog=starter), catalog=starter).playlist == playlist


@pytest.mark.parametrize("intent", INTENTS)
def test_an_hour_of_music_is_the_same(starter: Catalog, intent: Any) -> None:
    playlist = Recommender(starter).recommend(Mood(-0.5, 0.6), intent=intent, minutes=60, seed=8)
    assert decode(encode(playlist, catalog=starter), catalog=starter).playlist == playlist


def test_a_taste_stays_with_whose_it_is(starter: Catalog) -> None:
    taste = Taste()
    for one in starter.candidates(Mood(0.5, 0.5), limit=10):
        taste = taste.learn(one, "like", Mood(0.5, 0.5))
    playlist = Recommender(starter).recommend(Mood(0.5, 0.5), intent="match", taste=taste, seed=8)
    assert any("because you liked" in pick.reason for pick in playlist.picks)
    shared = decode(encode(playlist, catalog=starter), catalog=starter).playlist
    assert [(pick.track, pick.slot) for pick in shared.picks] == [
        (pick.track, pick.slot) for pick in playlist.picks
    ]
    assert not any("because you liked" in pick.reason for pick in shared.picks)


@pytest.mark.parametrize("emotions", EMOTIONS)
def test_twenty_tracks_fit_into_a_chat_message(starter: Catalog, emotions: Any) -> None:
    filters = Filters(genres=("singer-songwriter", "vocal standards", "classic rock"))
    playlist = Recommender(starter).recommend(
        Mood(-0.6, -0.3), n=20, filters=filters, emotions=emotions, seed=0xFFFFFFFF
    )
    text = encode(playlist, catalog=starter, emotions=emotions, filters=filters)
    assert len(playlist.picks) == 20
    assert len(text) <= 700
    assert set(text) <= {*string.ascii_letters, *string.digits, "-", "_"}


@pytest.mark.parametrize("intent", INTENTS)
def test_what_another_catalogue_lacks_is_counted(
    starter: Catalog, other: Catalog, intent: Any
) -> None:
    playlist = Recommender(starter).recommend(Mood(-0.6, -0.3), intent=intent, n=20, seed=5)
    shared = decode(encode(playlist, catalog=starter), catalog=other)
    there = {pick.track.id for pick in playlist.picks if other.get(pick.track.id)}
    wanted = [(pick.track.id, pick.slot) for pick in playlist.picks if pick.track.id in there]
    assert 0 < len(there) < 20
    assert [(pick.track.id, pick.slot) for pick in shared.playlist.picks] == wanted
    assert (shared.missing, shared.other_catalog) == (20 - len(there), True)
    # And what is left can be shared again.
    again = decode(_again(shared, other), catalog=other)
    assert [pick.track for pick in again.playlist.picks] == [
        pick.track for pick in shared.playlist.picks
    ]
    assert not again.other_catalog
    for one, two in zip(again.playlist.journey, shared.playlist.journey, strict=True):
        assert one.distance(two) < 1e-4
    assert _again(again, other) == _again(shared, other)


def test_the_reasons_are_the_same_where_the_last_tracks_are_missing(
    starter: Catalog, track: Make
) -> None:
    """The last track that is left is not the end of the journey."""
    playlist = Recommender(starter).recommend(Mood(-0.6, -0.3), n=12, seed=5)
    picks = (*playlist.picks[:-1], replace(playlist.picks[-1], track=track(7)))
    shared = decode(encode(replace(playlist, picks=picks), catalog=starter), catalog=starter)
    assert shared.missing == 1
    assert [pick.reason for pick in shared.playlist.picks] == [
        pick.reason for pick in playlist.picks[:-1]
    ]


@pytest.mark.parametrize(
    "track_id",
    ["Z" * 22, "z" * 22, "0" * 22, "x", "", "local:père/🎵.mp3", "a" * 255, "0" * 21 + "é"],
)
def test_any_id_is_carried(track: Make, track_id: str) -> None:
    tracks = [track(1), track(id=track_id), track(2)]
    slots = plan(Mood(0, 0), "match", 3)
    playlist = Playlist(
        mood=Mood(0, 0),
        target=Mood(0, 0),
        intent="match",
        picks=tuple(Pick(one, slot, "") for one, slot in zip(tracks, slots, strict=True)),
        seed=0,
    )
    catalog: Any = _Shelf(tracks)
    shared = decode(encode(playlist, catalog=catalog), catalog=catalog)
    assert [pick.track for pick in shared.playlist.picks] == tracks


def test_a_long_id_is_refused(track: Make) -> None:
    playlist = Playlist(
        Mood(0, 0), Mood(0, 0), "match", (Pick(track(id="é" * 200), Mood(0, 0), ""),), 0
    )
    with pytest.raises(ValueError, match="255"):
        encode(playlist, catalog=_Shelf([]))  # type: ignore[arg-type]


def test_an_empty_playlist_is_shared(starter: Catalog) -> None:
    playlist = Playlist(Mood(0.5, 0.5), Mood(0.5, 0.5), "match", (), 12)
    assert decode(encode(playlist, catalog=starter), catalog=starter).playlist == playlist


def test_slots_of_no_plan_are_kept_closely(starter: Catalog) -> None:
    playlist = Recommender(starter).recommend(Mood(0, 0), n=3, seed=1)
    odd = [Mood(0.9, -1.0), Mood(-1.0, 1.0), Mood(0.123, 0.0)]
    picks = tuple(replace(pick, slot=slot) for pick, slot in zip(playlist.picks, odd, strict=True))
    shared = decode(encode(replace(playlist, picks=picks), catalog=starter), catalog=starter)
    for slot, wanted in zip(shared.playlist.journey, odd, strict=True):
        assert slot.distance(wanted) < 1e-4
    assert _again(shared, starter) == _again(
        decode(_again(shared, starter), catalog=starter), starter
    )


def test_every_change_of_a_letter_is_noticed(starter: Catalog) -> None:
    text = _text(starter)
    noise = random.Random(1)
    letters = string.ascii_letters + string.digits + "-_+/= \n.é"
    for place in range(len(text)):
        letter = noise.choice([one for one in letters if one != text[place]])
        changed = text[:place] + letter + text[place + 1 :]
        if changed.strip() == text:
            continue
        with pytest.raises(ValueError, match="link"):
            decode(changed, catalog=starter)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_one_playlist_has_one_text(starter: Catalog, n: int) -> None:
    """The last letter may hold bits that no byte needs, which are not let through either."""
    text = encode(Recommender(starter).recommend(Mood(0, 0), n=n, seed=1), catalog=starter)
    for letter in string.ascii_letters + string.digits + "-_":
        if letter != text[-1]:
            with pytest.raises(ValueError, match="link"):
                decode(text[:-1] + letter, catalog=starter)


def test_every_flipped_bit_is_noticed(starter: Catalog) -> None:
    raw = base64.urlsafe_b64decode(_text(starter) + "==")
    for bit in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ValueError, match="link"):
            decode(_url(bytes(flipped)), catalog=starter)


def test_every_truncation_is_noticed(starter: Catalog) -> None:
    text = _text(starter)
    for length in range(len(text)):
        for part in (text[:length], text[length + 1 :]):
            with pytest.raises(ValueError, match="link"):
                decode(part, catalog=starter)
    with pytest.raises(ValueError, match="link"):
        decode(text + text, catalog=starter)


def test_random_bytes_are_refused(starter: Catalog) -> None:
    noise = random.Random(2)
    for _ in range(500):
        with pytest.raises(ValueError, match="link"):
            decode(_url(noise.randbytes(noise.randrange(400))), catalog=starter)


def test_what_has_a_right_checksum_and_no_sense_is_refused_or_harmless(starter: Catalog) -> None:
    """Whoever knows the layout can make a text: it still means tracks and moods or nothing."""
    from recommender.sharing.link import _checksum

    whole = base64.urlsafe_b64decode(_text(starter) + "==")[:-4]
    noise = random.Random(3)
    refused: list[str] = []
    for _ in range(300):
        body = bytearray(whole)
        for _ in range(noise.randrange(1, 6)):
            # The head holds what has a meaning; ids behind it are any bytes.
            body[noise.randrange(1, min(80, len(body)))] = noise.randrange(256)
        body = body[: noise.choice([len(body), len(body), noise.randrange(1, len(body))])]
        try:
            shared = decode(_url(bytes(body) + _checksum(bytes(body))), catalog=starter)
        except ValueError as error:
            refused.append(str(error))
        else:
            assert shared.missing + len(shared.playlist.picks) <= 255
            assert set(shared.filters.genres) <= set(starter.genres())
    assert set(refused) == {BROKEN}
    assert len(refused) > 50


def test_another_version_is_named(starter: Catalog) -> None:
    from recommender.sharing.link import _checksum

    body = bytes([2]) + base64.urlsafe_b64decode(_text(starter) + "==")[1:-4]
    with pytest.raises(ValueError, match="another version") as caught:
        decode(_url(body + _checksum(body)), catalog=starter)
    assert str(caught.value) == OTHER_VERSION


@pytest.mark.parametrize(
    "text", ["", " ", "hello", "https://example.org/?set=abc", "A" * 50_000, "💔"]
)
def test_foreign_texts_are_refused_with_one_message(starter: Catalog, text: str) -> None:
    with pytest.raises(ValueError, match="link is broken") as caught:
        decode(text, catalog=starter)
    assert str(caught.value) == BROKEN


def test_white_space_around_a_text_does_no_harm(starter: Catalog) -> None:
    text = _text(starter)
    assert decode(f"\n {text}\r\n", catalog=starter) == decode(text, catalog=starter)


MANGLED: dict[str, Callable[[str], str]] = {
    **{
        f"ends with {end!r}": lambda text, end=end: text + end  # type: ignore[misc]
        for end in [
            *(".", ")", ",", ").", ";", "!", "?", ":", "…", "...", "]", "}", ">", "*", "**", "|"),
            *("'", '"', "’", "”", "»", "`", "/", "\\", "_", "__", "=", "==", "=.", "#", "#top"),
            *("&amp;", "&amp;utm_source=chat", "&utm_source=chat", "%20", "%2E", "%29", "\u200b"),
            *("\ufeff", "\u00a0", "\u202c", "&gt;", "&quot;", "<br>", "\r\n", " and more words"),
            *(".\n\nSent from my phone", "?fbclid=IwAR", "，", "。", "）", "%5F%5F."),
        ]
    },
    **{
        f"begins with {start!r}": lambda text, start=start: start + text  # type: ignore[misc]
        for start in ["(", "<", '"', "“", " ", "\n", "\u2068", "\ufeff", "=", "3D", "&lt;", "set="]
    },
    "in angle brackets": "<{}>".format,
    "in quotes": "“{}”".format,
    "a whole link": "https://example.org/playlist?set={}".format,
    "a link in Markdown": "[a set](https://example.org/playlist?set={}).".format,
    "a link in HTML": '<a href="https://example.org/playlist?a=b&amp;set={}">set</a>'.format,
    "broken into lines": lambda text: "\r\n".join(
        text[i : i + 76] for i in range(0, len(text), 76)
    ),
    "quoted-printable": lambda text: "=\n".join(text[i : i + 60] for i in range(0, len(text), 60)),
    "percent-encoded": lambda text: quote_all(text),
    "percent-encoded twice": lambda text: quote_all(quote_all(text)),
    "percent-encoded three times": lambda text: quote_all(quote_all(quote_all(text))),
    "a link encoded twice": lambda text: quote(quote(f"https://x.org/?set={text}.", ""), ""),
    "full-width": lambda text: "".join(chr(ord(one) + 0xFEE0) for one in text),
    "soft hyphens": lambda text: "\u00ad".join(text),
    "typographic hyphens": lambda text: text.replace("-", "\u2010"),
    "typographic dashes": lambda text: text.replace("--", "\u2013"),
}


def quote_all(text: str) -> str:
    return "".join(f"%{ord(one):02X}" for one in text)


@pytest.fixture(scope="module")
def texts(starter: Catalog) -> list[str]:
    """Some texts: such as end with a letter that links lose, and one with dashes in a row."""
    # Which letters can be the last depends on how many tracks there are.
    playlists = [Recommender(starter).recommend(Mood(0, 0), n=n, seed=1) for n in (1, 2, 3)]

    def first(such: Callable[[str], bool]) -> str:
        made = (
            encode(replace(playlist, seed=seed), catalog=starter)
            for playlist in playlists
            for seed in range(2_000)
        )
        return next(text for text in made if such(text))

    return [
        first(lambda text: text[-1] not in "_-"),
        first(lambda text: text.endswith("_")),
        first(lambda text: text.endswith("-")),
        first(lambda text: "--" in text[:-2] and text[-1] not in "_-"),
    ]


@pytest.mark.parametrize("how", MANGLED)
def test_a_text_survives_what_is_done_to_links(
    starter: Catalog, texts: list[str], how: str
) -> None:
    for text in texts:
        assert decode(MANGLED[how](text), catalog=starter) == decode(text, catalog=starter)


def test_a_lost_end_is_found_again(starter: Catalog, texts: list[str]) -> None:
    for text in texts:
        whole = decode(text, catalog=starter)
        if text[-1] in "_-":
            assert decode(text[:-1], catalog=starter) == whole
            assert decode(text.rstrip("_-"), catalog=starter) == whole
            assert decode(text[:-1] + ").", catalog=starter) == whole
        else:  # nothing is guessed
            with pytest.raises(ValueError, match="link is broken"):
                decode(text[:-1], catalog=starter)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("set=AbC", "AbC"),
        ("a=b&amp;set=AbC", "AbC"),
        ("amp;set=AbC", "AbC"),
        ("SET=AbC", "AbC"),
        ("set%3DAbC=", "AbC="),
        ("set%253DAbC", "AbC"),
        ("set=", ""),
        ("offset=3", None),
        ("notebook=first", None),
        ("", None),
    ],
)
def test_what_an_address_says_of_a_set(query: str, said: str | None) -> None:
    assert in_address(query) == said


def test_too_many_tracks_are_refused(track: Make, starter: Catalog) -> None:
    picks = (Pick(track(1), Mood(0, 0), ""),) * 256
    with pytest.raises(ValueError, match="256 tracks"):
        encode(Playlist(Mood(0, 0), Mood(0, 0), "match", picks, 0), catalog=starter)


class _Shelf:
    """A catalogue of given tracks."""

    fingerprint = "shelf"

    def __init__(self, tracks: list[Track]) -> None:
        self.tracks = {track.id: track for track in tracks}

    def genres(self) -> tuple[str, ...]:
        return ("folk",)

    def get_many(self, ids: list[str]) -> list[Track]:
        return [self.tracks[one] for one in ids if one in self.tracks]


def _text(catalog: Catalog) -> str:
    emotions = {"sad": 0.7, "neutral": 0.3}
    filters = Filters(genres=("folk", "soul"))
    playlist = Recommender(catalog).recommend(
        mood_of(emotions), n=6, emotions=emotions, filters=filters, seed=4
    )
    return encode(playlist, catalog=catalog, emotions=emotions, filters=filters)


def _url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")

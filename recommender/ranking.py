"""Chooses tracks for the places of a journey, one after the other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recommender.genres import UNSAID, GenreTable
from recommender.mood import emotions_near
from recommender.reasons import Situation, explain
from recommender.types import Intent, Mood, Pick, Track

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

APART: Final = 9
"""After an artist come this many tracks of others: no artist twice in ten."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What a point of score is worth.

    Attributes:
        reach: how far on the plane, in units of it, a track may lie before nearness costs half
            a point; in the quiet half pleasantness is judged by `quiet_reach`, because measured
            valence is low for anything without a voice, calm music included.
        genre: for a family that suits the mood perfectly over one that nothing is said about.
        fame: for the best known track over the least known one.
        still: for acoustic music where the journey is quiet.
        repeat: taken for each of the last `memory` tracks with the same leading family.
        chance: the spread of the draw; 0 would always give the same playlist.
    """

    reach: float = 0.12
    quiet_reach: float = 0.22
    genre: float = 2.0
    fame: float = 0.8
    still: float = 0.6
    repeat: float = 0.6
    memory: int = 5
    chance: float = 0.40


@dataclass(frozen=True, slots=True)
class Terms:
    """What each track of a pool scores at one place, each shaped (tracks,)."""

    near: Floats
    genre: Floats
    fame: Floats
    still: Floats

    @property
    def total(self) -> Floats:
        return self.near + self.genre + self.fame + self.still


class Pool:
    """Tracks to choose from, with what is needed again and again as arrays.

    Args:
        tracks: the candidates. Their order decides between equals, so it has to be fixed.
        table: families and what they suit.
    """

    def __init__(self, tracks: Sequence[Track], table: GenreTable) -> None:
        self.tracks = tracks
        self.families = np.array([track.genres[0] if track.genres else "" for track in tracks])
        self._positions = np.array(
            [(track.position.valence, track.position.arousal) for track in tracks]
        ).reshape(-1, 2)
        self._fame = np.array([track.popularity / 100 for track in tracks])
        self._acoustic = np.array([track.acousticness or 0.0 for track in tracks])
        places = {family: place for place, family in enumerate(table.families)}
        self._member = np.zeros((len(tracks), len(places)), dtype=bool)
        self._songs: dict[tuple[str, str], list[int]] = {}
        self._artists: dict[str, list[int]] = {}
        for row, track in enumerate(tracks):
            self._songs.setdefault(song_key(track), []).append(row)
            for artist in track.artists:
                self._artists.setdefault(artist.casefold(), []).append(row)
            for family in track.genres:
                if family in places:
                    self._member[row, places[family]] = True

    def score(self, slot: Mood, suits: Mapping[str, float], weights: Weights) -> Terms:
        """Return what every track scores for one place in a playlist.

        Args:
            slot: the mood of the place.
            suits: family → how well it suits what is felt there, 0-1, as `GenreTable.scores`
                returns it.
            weights: what counts how much.
        """
        # The best family counts: a song tagged folk and pop is as fitting as folk is.
        fit = np.where(self._member, np.array(list(suits.values())), -1.0).max(axis=1, initial=-1.0)
        fit = np.where(fit < 0, UNSAID, fit)
        quietness = max(0.0, -slot.arousal)
        across = weights.reach + (weights.quiet_reach - weights.reach) * quietness
        offset = self._positions - (slot.valence, slot.arousal)
        return Terms(
            near=-0.5 * ((offset[:, 0] / across) ** 2 + (offset[:, 1] / weights.reach) ** 2),
            genre=weights.genre * (fit - UNSAID) / (1 - UNSAID),
            fame=weights.fame * self._fame,
            still=weights.still * quietness * self._acoustic,
        )

    def same_song(self, row: int) -> list[int]:
        """Return the rows that are the same song as a row, itself included."""
        return self._songs[song_key(self.tracks[row])]

    def same_artists(self, rows: Sequence[int]) -> list[int]:
        """Return the rows that share an artist with any of some rows."""
        names = {name.casefold() for row in rows for name in self.tracks[row].artists}
        return [row for name in names for row in self._artists[name]]


def choose(
    tracks: Sequence[Track],
    slots: Sequence[Mood],
    *,
    intent: Intent,
    emotions: Mapping[str, float],
    asked: Sequence[str],
    table: GenreTable,
    seed: int,
    weights: Weights | None = None,
) -> list[Pick]:
    """Return a pick for each place, fewer where the tracks run out.

    Each place takes the track with the highest score plus Gumbel noise, which is a draw from
    the softmax of the scores; artists have to keep `APART`, songs never come twice, and leading
    families that were just heard cost a little. Where nobody keeps the distance, the artist
    heard longest ago may return.

    Args:
        tracks: the candidates, in a fixed order.
        slots: the journey, one mood a place.
        intent: how the journey moves, for the reasons.
        emotions: emotion → weight at the start; empty to guess them from the moods. Along the
            journey they give way to what each place's mood stands for.
        asked: families that were asked for, for the reasons.
        table: families and what they suit.
        seed: of the draw.
        weights: what counts how much.
    """
    weights = weights or Weights()
    pool = Pool(tracks, table)
    free = np.ones(len(tracks), dtype=bool)
    noise = np.random.default_rng(seed)
    order: list[int] = []
    picks: list[Pick] = []
    said: list[str] = []
    for place, slot in enumerate(slots):
        if not free.any():
            break
        feelings = _feelings(emotions, slot, place, len(slots), intent)
        suits = table.scores(feelings)
        terms = pool.score(slot, suits, weights)
        recent = pool.families[order[-weights.memory :]]
        repeats = (pool.families[:, None] == recent[None, :]).sum(axis=1)
        total = terms.total - weights.repeat * repeats
        total = total + weights.chance * noise.gumbel(size=len(tracks))
        best = int(np.argmax(np.where(_spaced(free, pool, order), total, -np.inf)))
        situation = Situation(
            place=place,
            places=len(slots),
            intent=intent,
            slot=slot,
            target=slots[-1],
            previous=picks[-1].track if picks else None,
            asked=tuple(asked),
            emotion=max(feelings, key=lambda name: feelings[name]),
            genre=float(terms.genre[best]),
            fame=float(terms.fame[best]),
            fresh=not repeats[best] and place > 0,
            suited=_best_family(tracks[best], suits),
        )
        reason = explain(tracks[best], situation, said)
        picks.append(Pick(tracks[best], slot, reason))
        said.append(reason)
        order.append(best)
        free[pool.same_song(best)] = False
    return picks


def song_key(track: Track) -> tuple[str, str]:
    """Return what two releases of one song have in common: bare title and first artist."""
    title = re.sub(r"\s+-\s.*|[(\[].*", "", track.title.casefold())
    bare = "".join(letter for letter in title if letter.isalnum())
    return bare or track.title.casefold(), track.artists[0].casefold()


def _feelings(
    emotions: Mapping[str, float], slot: Mood, place: int, places: int, intent: Intent
) -> dict[str, float]:
    """Return what is felt at a place: what was read at the start, what the mood says at the end."""
    here = emotions_near(slot)
    total = sum(emotions.values())
    if total <= 0 or intent == "lift":
        return here
    gone = place / max(1, places - 1) if intent == "shift" else 0.0
    return {
        name: (1 - gone) * emotions.get(name, 0.0) / total + gone * share
        for name, share in here.items()
    }


def _spaced(free: Flags, pool: Pool, order: Sequence[int]) -> Flags:
    """Return which free tracks keep the artists apart, as far as any can."""
    for apart in range(min(APART, len(order)), 0, -1):
        spaced = free.copy()
        spaced[pool.same_artists(order[-apart:])] = False
        if spaced.any():
            return spaced
    return free


def _best_family(track: Track, suits: Mapping[str, float]) -> str | None:
    return max(track.genres, key=lambda family: suits.get(family, UNSAID), default=None)

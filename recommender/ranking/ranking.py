"""Chooses tracks for the places of a journey, one after the other, and says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from recommender.genres import GenreTable
from recommender.mood import COORDINATES, emotions_near
from recommender.ranking.candidates import Floats, Pool, Terms, Weights, song_key
from recommender.ranking.reasons import CLOSE, SPOKE, Situation, explain
from recommender.taste.taste import Taste
from recommender.types import Intent, Mood, Pick, Track

APART: Final = 9
"""After an artist come this many tracks of others: no artist twice in ten."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a listener asks of a playlist.

    Attributes:
        intent: how the journey moves.
        emotions: emotion → weight at the start; empty to guess them from the moods. Along the
            journey they give way to what each place's mood stands for.
        asked: genre families that were asked for.
        taste: what is known of the listener's taste.
        adventure: 0 familiar to 1 adventurous, see `Weights.at`.
    """

    intent: Intent
    emotions: Mapping[str, float]
    asked: Sequence[str] = ()
    taste: Taste | None = None
    adventure: float = 0.5


class Ranker:
    """Ranks one pool of candidates for one wish.

    Args:
        tracks: the candidates, in a fixed order.
        wish: what is asked.
        table: families and what they suit.
        weights: what counts how much where adventure is 0.5.
    """

    def __init__(
        self,
        tracks: Sequence[Track],
        wish: Wish,
        table: GenreTable,
        weights: Weights | None = None,
    ) -> None:
        self.tracks = tracks
        self.wish = wish
        self.weights = (weights or Weights()).at(wish.adventure)
        self._pool = Pool(tracks, table)
        self._scored: tuple[tuple[Mood, ...], Floats, Terms] | None = None

    def order(self, slots: Sequence[Mood], seed: int) -> list[int]:
        """Return which candidate takes each place, as rows; fewer where the tracks run out.

        Each place takes the track with the highest score plus Gumbel noise, which is a draw from
        the softmax of the scores; artists have to keep `APART`, songs never come twice, and
        leading families that were just heard cost a little. Where nobody keeps the distance,
        the artist heard longest ago may return.

        Args:
            slots: the journey, one mood a place.
            seed: of the draw.
        """
        pool, weights = self._pool, self.weights
        total = self._terms(slots)[1].total
        noise = np.random.default_rng(seed)
        total += weights.chance * noise.gumbel(size=total.shape)
        free = np.ones(len(self.tracks), dtype=bool)
        heard = np.full(len(self.tracks), -np.inf)
        order: list[int] = []
        for place, scores in enumerate(total):
            if not free.any():
                break
            silence = np.where(free, place - heard, -np.inf)
            allowed = silence >= min(APART + 1, silence.max())
            scores = scores - weights.repeat * self._repeats(order)
            best = int(np.argmax(np.where(allowed, scores, -np.inf)))
            order.append(best)
            free[pool.same_song(best)] = False
            heard[pool.same_artists(best)] = place
        return self._in_step(order, slots) if self.wish.intent == "shift" else order

    def tell(self, order: Sequence[int], slots: Sequence[Mood]) -> list[Pick]:
        """Return the picks for candidates in an order, each with its reason.

        Args:
            order: rows, one a place.
            slots: the journey, at least as many moods.
        """
        wish, tracks = self.wish, self.tracks
        feelings, terms = self._terms(slots)
        emotions = list(COORDINATES)
        picks: list[Pick] = []
        said: list[str] = []
        for place, (row, slot) in enumerate(zip(order, slots, strict=False)):
            situation = Situation(
                place=place,
                places=len(slots),
                intent=wish.intent,
                slot=slot,
                target=slots[-1],
                previous=picks[-1].track if picks else None,
                asked=tuple(wish.asked),
                emotion=emotions[int(np.argmax(feelings[place]))],
                genre=float(terms.genre[place, row]),
                fame=float(terms.fame[place, row]),
                fresh=place > 0 and not self._repeats(order[:place])[row],
                suited=self._pool.best_family(row, feelings[place]),
                taste=float(terms.taste[place, row]),
                because=self._because(row, float(terms.taste[place, row])),
            )
            reason = explain(tracks[row], situation, said)
            picks.append(Pick(tracks[row], slot, reason))
            said.append(reason)
        return picks

    def _because(self, row: int, points: float) -> str | None:
        """Return what of the listener's taste speaks for a track, if it was much."""
        taste = self.wish.taste
        return taste.because(self.tracks[row]) if taste and points > SPOKE else None

    def _in_step(self, order: list[int], slots: Sequence[Mood]) -> list[int]:
        """Return an order in which no track falls back behind the one before on the way.

        Neighbours change places where that is so and no artist comes closer to themselves.
        """
        start, end = slots[0], slots[-1]
        way = (end.valence - start.valence, end.arousal - start.arousal)
        gone: dict[int, float] = {}
        for row, slot in zip(order, slots, strict=False):
            # Of one that is far from its place, where it lies does not say where it belongs.
            near = self.tracks[row].position.distance(slot) <= CLOSE
            here = self.tracks[row].position if near else slot
            gone[row] = here.valence * way[0] + here.arousal * way[1]
        same = {row: set(self._pool.same_artists(row)) for row in order}
        order = list(order)
        for last in range(1, len(order)):
            for place in range(last, 0, -1):
                one, other = order[place - 1], order[place]
                if gone[one] <= gone[other]:
                    break
                before = order[max(0, place - 1 - APART) : place - 1]
                after = order[place + 1 : place + 1 + APART]
                if not same[other].isdisjoint(before) or not same[one].isdisjoint(after):
                    break
                order[place - 1], order[place] = other, one
        return order

    def _terms(self, slots: Sequence[Mood]) -> tuple[Floats, Terms]:
        """Return what is felt at each place, (places, 7), and what the tracks score there."""
        if self._scored is None or self._scored[0] != tuple(slots):
            felt = [feelings_at(place, slots, self.wish) for place in range(len(slots))]
            feelings = np.array([list(weights.values()) for weights in felt])
            feelings = feelings.reshape(-1, len(COORDINATES))
            terms = self._pool.score(slots, feelings, self.weights, self._taste(slots))
            self._scored = tuple(slots), feelings, terms
        return self._scored[1:]

    def _taste(self, slots: Sequence[Mood]) -> Floats:
        """Return the log-odds of liking, (places, tracks): asked at both ends, mixed between."""
        tracks = self.tracks
        if self.wish.taste is None or not slots or not tracks:
            return np.zeros((len(slots), len(tracks)))
        first = self.wish.taste.score(tracks, slots[0])
        if slots[0] == slots[-1]:
            return np.broadcast_to(first, (len(slots), len(tracks)))
        gone = np.linspace(0, 1, len(slots))[:, None]
        return (1 - gone) * first + gone * self.wish.taste.score(tracks, slots[-1])

    def _repeats(self, order: Sequence[int]) -> Floats:
        """Return how often each track's leading family is among the last few, (tracks,)."""
        families = self._pool.families
        recent = families[list(order[-self.weights.memory :])]
        return np.bincount(recent, minlength=self._pool.kinds)[families].astype(float)


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
    taste: Taste | None = None,
    adventure: float = 0.5,
) -> list[Pick]:
    """Return a pick for each place, fewer where the tracks run out; see `Ranker.order`.

    Args:
        tracks: the candidates, in a fixed order.
        slots: the journey, one mood a place.
        intent, emotions, asked, taste, adventure: see `Wish`.
        table: families and what they suit.
        seed: of the draw.
        weights: what counts how much.
    """
    ranker = Ranker(tracks, Wish(intent, emotions, asked, taste, adventure), table, weights)
    return ranker.tell(ranker.order(slots, seed), slots)


def retell(
    tracks: Sequence[Track],
    slots: Sequence[Mood],
    *,
    intent: Intent,
    emotions: Mapping[str, float],
    asked: Sequence[str],
    table: GenreTable,
    taste: Taste | None = None,
) -> list[Pick]:
    """Return tracks whose order is given as picks, each with the reason that is true there.

    Args:
        tracks: one a place.
        slots: the journey, one mood a place; more moods than tracks where tracks are missing.
        intent, emotions, asked, taste: see `Wish`.
        table: families and what they suit.

    Raises:
        ValueError: there are more tracks than places.
    """
    if len(tracks) > len(slots):
        raise ValueError(
            f"Incorrect value for 'slots' argument: {len(slots)} places for {len(tracks)} tracks"
        )
    ranker = Ranker(tracks, Wish(intent, emotions, asked, taste), table)
    return ranker.tell(range(len(tracks)), slots)


def pooled(tracks: Sequence[Track], extra: Sequence[Track]) -> list[Track]:
    """Return tracks of two sources in the order of ids, each song of the second once.

    What is the same recording or the same song as one of `tracks` is left out of `extra`, unless
    it was measured and the other one only estimated, which then gives way.
    """
    if not extra:
        return list(tracks)
    by_id: dict[str, Track] = {}
    by_song: dict[tuple[str, str], str] = {}
    for track in tracks:
        by_id[track.id] = track
        by_song.setdefault(song_key(track), track.id)
    for track in extra:
        key = song_key(track)
        other = by_id.get(track.id) or by_id.get(by_song.get(key, ""))
        if other is not None and (track.estimated or not other.estimated):
            continue
        if other is not None:
            del by_id[other.id]
        by_id[track.id] = track
        by_song[key] = track.id
    return sorted(by_id.values(), key=lambda track: track.id)


def feelings_at(place: int, slots: Sequence[Mood], wish: Wish) -> dict[str, float]:
    """Return what is felt at a place: what was read at the start, what the mood says at the end."""
    here = emotions_near(slots[place])
    total = sum(wish.emotions.values())
    if total <= 0 or wish.intent == "lift":
        return here
    gone = place / max(1, len(slots) - 1) if wish.intent == "shift" else 0.0
    return {
        name: (1 - gone) * wish.emotions.get(name, 0.0) / total + gone * share
        for name, share in here.items()
    }

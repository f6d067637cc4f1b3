"""What a listener likes, learned from verdicts. The model is `recommender.taste.model`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from recommender.taste.model import Key, Posterior, Prior, Weights, learn, traits_of
from recommender.types import Mood, Track

Floats = NDArray[np.float64]

Verdict = Literal["like", "dislike", "skip"]
VERDICTS: Final[tuple[str, ...]] = get_args(Verdict)

MAX_LOG_ODDS: Final = 3.0
"""No track scores more than this, or less than its negative: odds of 20 to 1."""

MAX_VERDICTS: Final = 300
"""Only the latest verdicts are learned from; older ones have faded to nothing."""

MIN_LOG_ODDS_TO_MENTION: Final = 0.15
"""A like that gives a track fewer log-odds than this is not given as a reason."""

ARTIST_FIRST_FRACTION: Final = 0.4
"""An artist is named first if it counts at least this fraction of what counts most."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """A verdict on a track that was played in a mood."""

    track: Track
    verdict: Verdict
    mood: Mood


@dataclass(frozen=True, slots=True)
class Affinities:
    """What is known of a listener beforehand: artist (case-folded) and genre family → 0-1."""

    artists: Mapping[str, float] = field(default_factory=dict)
    genres: Mapping[str, float] = field(default_factory=dict)


class Taste:
    """What is known of one listener's taste. Learning returns another `Taste`.

    Args:
        feedback: the verdicts so far, the oldest first.
        known: what is known beforehand.
        prior: what the model believes before it has heard anything.

    Raises:
        ValueError: a verdict is none of like, dislike, skip.
    """

    def __init__(
        self,
        feedback: Sequence[Feedback] = (),
        *,
        known: Affinities | None = None,
        prior: Prior | None = None,
    ) -> None:
        self.feedback = tuple(feedback)
        self.known = known or Affinities()
        self.prior = prior or Prior()
        for each in self.feedback:
            if each.verdict not in VERDICTS:
                raise ValueError(
                    f"Incorrect value for 'verdict' argument: {each.verdict!r}: "
                    f"one of {', '.join(VERDICTS)}"
                )

    def learn(self, track: Track, verdict: Verdict, mood: Mood) -> Taste:
        """Return the taste after one more verdict.

        A later opinion on the same track replaces an earlier one. A skip is not an opinion: a
        listener who likes a track may still not want to hear it now, so it never takes a like or
        dislike back.
        """
        earlier = self.verdict_on(track.id)
        if verdict == "skip" and earlier not in (None, "skip"):
            return self
        kept = [each for each in self.feedback if each.track.id != track.id]
        return Taste([*kept, Feedback(track, verdict, mood)], known=self.known, prior=self.prior)

    def forget(self, track_id: str) -> Taste:
        """Return the taste without the verdict on a track."""
        kept = [each for each in self.feedback if each.track.id != track_id]
        return Taste(kept, known=self.known, prior=self.prior)

    @property
    def liked(self) -> frozenset[str]:
        """The ids of the tracks that are liked."""
        return self._judged("like")

    @property
    def disliked(self) -> frozenset[str]:
        """The ids of the tracks that are disliked."""
        return self._judged("dislike")

    def _judged(self, verdict: Verdict) -> frozenset[str]:
        return frozenset(each.track.id for each in self.feedback if each.verdict == verdict)

    def verdict_on(self, track_id: str) -> Verdict | None:
        """Return the verdict on a track, or ``None`` if there is none."""
        return next(
            (each.verdict for each in reversed(self.feedback) if each.track.id == track_id), None
        )

    def score(self, tracks: Sequence[Track], mood: Mood) -> Floats:
        """Return how much likelier each track is to be liked in a mood.

        Returns:
            (N,), log-odds in [-`MAX_LOG_ODDS`, `MAX_LOG_ODDS`]: 0 where nothing is known, and 1 for
            a track that is e times as likely, in odds, as one of which nothing is known.
        """
        worths = self._worths(tracks, self._posterior.weights(mood))
        bounded: Floats = MAX_LOG_ODDS * np.tanh(worths / MAX_LOG_ODDS)
        return bounded

    def because(self, track: Track, mood: Mood | None = None) -> str | None:
        """Return "because you liked …" where that is what speaks for a track.

        Args:
            track: what was chosen.
            mood: where; by default only what holds in every mood is looked at.

        Returns:
            What speaks for it most, a like or what was known beforehand; ``None`` if nothing does,
            or if more speaks against it than for it.
        """
        weights = self._everywhere if mood is None else self._posterior.weights(mood)
        if float(self._worths([track], weights)[0]) <= 0.0:
            return None
        traits = list(traits_of(track, self.prior))
        worths = [weights.traits.get(key, 0.0) * value for key, value in traits]
        spoke = [
            (worth, key[0], f"because you liked {name}")
            for worth, (key, _), name in zip(worths, traits, _names(track), strict=True)
            if name and key in self._liked
        ]
        spoke += [
            (self.prior.known * affinity, kind, f"because you listen to {name}")
            for kind, (affinity, name) in zip(
                ("artist", "genre"), _known(track, self.known), strict=True
            )
            if name
        ]
        strongest = max((worth for worth, _, _ in spoke), default=0.0)
        if strongest < MIN_LOG_ODDS_TO_MENTION:
            return None
        # A genre sums up more likes than an artist does, and says less.
        return next(
            text
            for worth, kind, text in spoke
            if worth >= (ARTIST_FIRST_FRACTION if kind == "artist" else 1.0) * strongest
        )

    def _worths(self, tracks: Sequence[Track], weights: Weights) -> Floats:
        """Return the unbounded log-odds of each track."""
        worths = np.zeros(len(tracks))
        if self.feedback:
            worths += self._posterior.worths(tracks, weights)
        if self.known.artists or self.known.genres:
            worths += [self._expected(track) for track in tracks]
        return worths

    def _expected(self, track: Track) -> float:
        """Return the log-odds that what is known beforehand gives a track."""
        return self.prior.known * sum(affinity for affinity, _ in _known(track, self.known))

    @cached_property
    def _posterior(self) -> Posterior:
        latest = self.feedback[-MAX_VERDICTS:]
        return learn(
            [each.track for each in latest],
            [each.mood for each in latest],
            liked=[each.verdict == "like" for each in latest],
            counts=[self.prior.skip if each.verdict == "skip" else 1.0 for each in latest],
            expected=[self._expected(each.track) for each in latest],
            prior=self.prior,
        )

    @cached_property
    def _everywhere(self) -> Weights:
        return self._posterior.weights(None)

    @cached_property
    def _liked(self) -> frozenset[Key]:
        return frozenset(
            key
            for each in self.feedback
            if each.verdict == "like"
            for key, _ in traits_of(each.track, self.prior)
        )


def _names(track: Track) -> Iterator[str]:
    """Yield what a person would call each of a track's traits, empty for those not to be named."""
    yield from track.artists
    yield from track.genres
    if track.language is not None:
        yield ""
    if track.year is not None:
        yield f"songs of the {track.year - track.year % 10}s"
        yield ""


def _known(track: Track, known: Affinities) -> tuple[tuple[float, str], tuple[float, str]]:
    """Return the artist and the genre of a track with the highest affinities, and these."""
    artists = [(known.artists.get(name.casefold(), 0.0), name) for name in track.artists]
    genres = [(known.genres.get(name, 0.0), name) for name in track.genres]
    nothing = (0.0, "")
    return (
        max((pair for pair in artists if pair[0] > 0), default=nothing),
        max((pair for pair in genres if pair[0] > 0), default=nothing),
    )

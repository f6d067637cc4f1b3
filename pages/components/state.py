"""What one visitor did. It lives in their session and ends with it.

Faces and moods are kept here and nowhere else: what is shared between visitors (the network,
the catalogue) is in `services` and knows nothing of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from emotion.labels import EMOTIONS
from emotion.types import EmotionScores, FaceReading, PictureReading
from pages.components import words
from recommender.journey import suggested_intent
from recommender.mood import mood_of, mood_of_emotion, room_mood
from recommender.types import Intent, Mood, Playlist, Track

ROOM: Final = -1
"""Chosen instead of a face: everybody in the picture together."""

Chooser = Literal["upload", "camera"]


@dataclass(slots=True)
class Photo:
    """A picture in memory and what was read in it; dropped when the next one takes its place."""

    image: NDArray[np.uint8]
    reading: PictureReading
    chosen: int = 0

    @property
    def faces(self) -> tuple[FaceReading, ...]:
        """The faces that the current choice is about."""
        everybody = self.reading.faces
        return everybody if self.chosen == ROOM else everybody[self.chosen : self.chosen + 1]

    @property
    def scores(self) -> EmotionScores:
        """What the chosen face shows, or the mean over the room."""
        rows = np.array([face.scores.probabilities for face in self.faces])
        return EmotionScores(tuple(float(value) for value in rows.mean(axis=0)))

    @property
    def mood(self) -> Mood:
        """Where the chosen face, or the room, lies on the plane."""
        return room_mood([mood_of(face.scores.as_dict()) for face in self.faces])


@dataclass(slots=True)
class Visit:
    """Everything the pages remember about a visitor.

    Attributes:
        photo: the last picture with a face in it.
        faceless: the last picture, where no face was found in it.
        chooser: which way to hand in a picture is open, if one is.
        waiting: a picture handed in and not read yet.
        problem: why the last file was not read, in a sentence.
        said: the emotion that the visitor tapped instead of the one read.
        placed: where the visitor put the dot. The last word: it outweighs `said`.
        intent: what the music should do, once asked for.
        genres: genre families to keep to; empty for all.
        draws: how many sets were drawn for this mood, so that another one is another one.
        seen: ids of the tracks of earlier sets.
        playlist: the current set, and `asked`, what it was drawn for.
        playing: the track in the player. It goes on through every page.
    """

    photo: Photo | None = None
    faceless: NDArray[np.uint8] | None = None
    chooser: Chooser | None = None
    waiting: bytes | None = None
    problem: str | None = None
    pictures: int = 0
    by_hand: bool = False
    said: str | None = None
    placed: Mood | None = None
    intent: Intent | None = None
    genres: tuple[str, ...] = ()
    draws: int = 0
    seen: set[str] = field(default_factory=set)
    playlist: Playlist | None = None
    asked: object = None
    playing: Track | None = None

    @property
    def mood(self) -> Mood | None:
        """Where the visitor is: as placed, as said, as read, in this order."""
        if self.placed is not None:
            return self.placed
        if self.said is not None:
            return mood_of_emotion(self.said)
        return self.photo.mood if self.photo else None

    @property
    def emotions(self) -> dict[str, float] | None:
        """Emotion → weight for the genres that go with it; nothing for a mood set by hand."""
        if self.placed is not None:
            return None
        if self.said is not None:
            return {self.said: 1.0}
        return self.photo.scores.as_dict() if self.photo else None

    @property
    def mood_in_words(self) -> str:
        """The mood within a longer sentence."""
        if self.placed is not None:
            return words.place(self.placed)
        if self.said is not None:
            return words.FEELINGS[self.said].word
        if self.photo is None:
            return "nothing yet"
        if self.photo.chosen == ROOM:
            return f"a {words.name_of(self.photo.scores)} room"
        return words.name_of(self.photo.scores)

    @property
    def suggestion(self) -> Intent:
        """What to offer first."""
        return suggested_intent(self.mood) if self.mood else "match"

    def show(self, image: NDArray[np.uint8], reading: PictureReading) -> None:
        """Take a picture that was read. One without a face leaves the last reading as it is."""
        self.pictures += 1
        self.chooser = None
        self.by_hand = False
        if not reading.faces:
            self.faceless = image
            return
        self.faceless = None
        self.photo = Photo(image, reading)
        self.said = self.placed = None
        self._start_over()

    def choose(self, face: int) -> None:
        """Read another face of the picture, or the `ROOM`."""
        if self.photo is not None:
            self.photo.chosen = face
            self.said = self.placed = None
            self._start_over()

    def say(self, emotion: str | None) -> None:
        """Correct the reading, or take the correction back."""
        if emotion is not None and emotion not in EMOTIONS:
            raise ValueError(f"Incorrect value for 'emotion' argument: {emotion!r}")
        self.said, self.placed = emotion, None
        self._start_over()

    def put(self, mood: Mood) -> None:
        """Set the mood by hand; putting it back onto the face's reading is no correction."""
        at_home = self.photo is not None and mood.distance(self.photo.mood) < 0.01
        self.placed = None if at_home else mood
        if at_home:
            self.said = None
        self._start_over()

    def _start_over(self) -> None:
        """A new mood asks the question anew; likes for genres are not about the mood."""
        self.intent = None
        self.draws = 0
        self.seen = set()


def visit() -> Visit:
    """Return this visitor's own `Visit`."""
    return st.session_state.setdefault("visit", Visit())


def require_router() -> None:
    """Send a page that was opened on its own through the router.

    A cold server that is first asked for ``/playlist`` finds the script in ``pages/`` before
    `app.py` has declared its navigation, and would run it bare: no theme, logo or player.
    """
    if "_routed" not in st.session_state:
        st.switch_page("app.py")

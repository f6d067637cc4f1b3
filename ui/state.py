"""One visitor's state. It lives in their session and ends with it.

Faces and moods are kept here and nowhere else: what is shared between visitors (the network,
the catalogue) is in `services` and knows nothing of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from emotion.clips.summary import ClipSummary
from emotion.personal import Recentring
from emotion.types import EmotionScores, FaceReading, ImageReading
from recommender.journey import suggested_intent
from recommender.mood import mood_of, mood_of_emotion, room_mood
from recommender.session import DEFAULT_ADVENTURE, DEFAULT_SET_MINUTES, Change, SetOptions
from recommender.taste.taste import Taste
from recommender.types import EVERYTHING, Filters, Intent, Mood, Playlist, Track
from ui import wording
from ui.photo.device import DeviceCopy

ROOM: Final = -1
"""Chosen instead of a face: all faces in the photo together."""

MIDDLE: Final = Mood(0.0, 0.0)
"""Where the dot starts."""

PAD_PRECISION: Final = 0.01
"""The pad's precision: a dot this near to a mood is on it."""

FAVOURED_FACE_WEIGHT: Final = 3.0
"""Weight in the room of a face that counts more; the others weigh 1."""

ENOUGH_HEARD: Final = 3
"""After this many tracks a visitor is asked how they feel."""

Chooser = Literal["upload", "camera"]


@dataclass(slots=True)
class Photo:
    """A picture in memory and what was read in it; dropped when the next one takes its place.

    A reading of the live camera comes without a picture: its frames are not kept. A photo that the
    visitor's own browser has read stays in that browser.
    """

    image: NDArray[np.uint8] | DeviceCopy | None
    reading: ImageReading
    chosen: int = 0
    favoured: tuple[int, ...] = ()
    """Faces that count more in the room."""
    recentring: Recentring = field(default_factory=Recentring)
    """How to re-centre the visitor's face. The live camera's readings already are."""
    clip: ClipSummary | None = None
    """The mood over time, for a clip; none of its pictures is kept."""

    @property
    def alone(self) -> bool:
        """Whether there is only one face. Among several, none is known to be the visitor's."""
        return len(self.reading.faces) == 1

    def as_visitor(self, face: FaceReading) -> FaceReading:
        """Return a reading re-centred for this visitor, if theirs is the picture's only face."""
        if not self.alone:
            return face
        recentred = self.recentring.apply(face.scores.probabilities)
        return replace(face, scores=EmotionScores(recentred))

    @property
    def faces(self) -> tuple[FaceReading, ...]:
        """The chosen face, or all of them, re-centred for this visitor."""
        everyone = tuple(map(self.as_visitor, self.reading.faces))
        return everyone if self.chosen == ROOM else everyone[self.chosen : self.chosen + 1]

    @property
    def weights(self) -> tuple[float, ...]:
        """How much each of `faces` counts."""
        if self.chosen != ROOM:
            return (1.0,) * len(self.faces)
        return tuple(
            FAVOURED_FACE_WEIGHT if face in self.favoured else 1.0
            for face in range(len(self.faces))
        )

    @property
    def scores(self) -> EmotionScores:
        """What the chosen face shows, or the weighted mean over the room."""
        rows = np.array([face.scores.probabilities for face in self.faces])
        mean = np.average(rows, axis=0, weights=self.weights)
        return EmotionScores(tuple(float(value) for value in mean))

    @property
    def moods(self) -> list[Mood]:
        """Where each of `faces` lies on the plane."""
        return [mood_of(face.scores.as_dict()) for face in self.faces]

    @property
    def mood(self) -> Mood:
        """Where the chosen face, or the room, lies on the plane."""
        return room_mood(self.moods, self.weights)


@dataclass(frozen=True, slots=True)
class Shared:
    """A set opened from a link: it is shown and played, and does not change the visitor's mood.

    Attributes:
        text: the link's text.
        playlist: the set; ``None`` where the link could not be read.
        notes: what the visitor should know about it, in sentences.
    """

    text: str
    playlist: Playlist | None
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class VisitorState:
    """Everything the pages remember about a visitor.

    Attributes:
        photo: the last picture with a face in it.
        faceless: the last picture, if it has no face, or none that can be read.
        why_unread: why the faces in it cannot be read, in sentences; empty if it has none.
        chooser: the open picture input, if one is open.
        waiting: an uploaded file that is not read yet.
        problem: why the last file was not read, in a sentence.
        handed_in: how many files were handled; it numbers the uploaders, so that each starts empty.
        on_device: whether their browser reads photos itself, as far as is known.
        by_hand: whether to show the pad in place of a picture without a face.
        corrected_emotion: the emotion that the visitor tapped instead of the one read.
        manual_mood: where the visitor put the dot. Only the later of the two is kept.
        intent: what the music should do, once chosen.
        filters: which tracks to choose from: genres, decades, languages, no banned artists.
        filters_before: the filters before the last change, for "Undo".
        adventure: from familiar (0) to adventurous (1).
        minutes: how long a set should last.
        draw: how many times another set was asked for.
        sets: the sets drawn for this mood, so that options chosen before bring back their set.
        taste: what was learned from likes. It ends with the session.
        change: what the last verdict changed.
        playing: the track in the player. It keeps playing on every page.
        queue: the tracks that the player plays through.
        start: whether the next set that is shown starts playing by itself.
        turn: counts the orders to play another track that the player was given.
        idle: whether the player waits for a tap, because its track was restored.
        heard: the ids of the tracks of the present set that were heard.
        set_ended: whether the player has reached the end of its set.
        redraw: whether something done in the player requires a rerun of the page.
        shared: a set opened from a link, while it is shown.
        resting: the re-centring from the visitor's resting face, once it was collected.
        past_corrections: the re-centring from their corrections, without that of this reading.
        learning: whether the correction of this reading counts as well.
    """

    photo: Photo | None = None
    faceless: NDArray[np.uint8] | DeviceCopy | None = None
    why_unread: tuple[str, ...] = ()
    chooser: Chooser | None = None
    waiting: bytes | None = None
    problem: str | None = None
    handed_in: int = 0
    on_device: bool = False
    by_hand: bool = False
    corrected_emotion: str | None = None
    manual_mood: Mood | None = None
    intent: Intent | None = None
    filters: Filters = EVERYTHING
    filters_before: Filters = EVERYTHING
    adventure: float = DEFAULT_ADVENTURE
    minutes: int = DEFAULT_SET_MINUTES
    draw: int = 0
    sets: dict[SetOptions, Playlist] = field(default_factory=dict)
    taste: Taste = field(default_factory=Taste)
    change: Change | None = None
    playing: Track | None = None
    queue: tuple[Track, ...] = ()
    start: bool = False
    turn: int = 0
    idle: bool = False
    heard: frozenset[str] = frozenset()
    set_ended: bool = False
    redraw: bool = False
    shared: Shared | None = None
    resting: Recentring | None = None
    past_corrections: Recentring = field(default_factory=Recentring)
    learning: bool = True

    @property
    def corrections(self) -> Recentring:
        """The re-centring from all corrections, including that of the present reading."""
        photo = self.photo
        if self.corrected_emotion is None or photo is None or not photo.alone or not self.learning:
            return self.past_corrections
        return self.past_corrections.corrected(photo.scores.probabilities, self.corrected_emotion)

    @property
    def recentring(self) -> Recentring:
        """How to re-centre the next reading of this visitor's face."""
        return self._with_resting(self.corrections)

    @property
    def mood(self) -> Mood | None:
        """Where the visitor is: as set by hand or corrected, else as read."""
        if self.manual_mood is not None:
            return self.manual_mood
        if self.corrected_emotion is not None:
            return mood_of_emotion(self.corrected_emotion)
        return self.photo.mood if self.photo else None

    @property
    def emotions(self) -> dict[str, float] | None:
        """Emotion → weight, to choose genres by; ``None`` for a mood set by hand."""
        if self.manual_mood is not None:
            return None
        if self.corrected_emotion is not None:
            return {self.corrected_emotion: 1.0}
        return self.photo.scores.as_dict() if self.photo else None

    @property
    def mood_in_words(self) -> str:
        """The mood within a longer sentence."""
        if self.manual_mood is not None:
            return wording.describe_mood(self.manual_mood).removeprefix("in ")
        if self.corrected_emotion is not None:
            return wording.FEELINGS[self.corrected_emotion].word
        if self.photo is None:
            return "nothing yet"
        return wording.emotion_name(self.photo.scores)

    @property
    def everyone(self) -> bool:
        """Whether the mood is that of several people together, as read."""
        changed = self.manual_mood is not None or self.corrected_emotion is not None
        return self.photo is not None and self.photo.chosen == ROOM and not changed

    @property
    def reading_title(self) -> str:
        """The mood as a title: as read, or as the visitor has corrected it."""
        if self.corrected_emotion is not None:
            feeling = wording.FEELINGS[self.corrected_emotion]
            return f"{feeling.glyph} You said: {feeling.word}"
        if self.manual_mood is not None:
            return f"You picked: {wording.describe_mood(self.manual_mood)}"
        if self.photo is None:
            return ""
        together = self.photo.chosen == ROOM
        describe = wording.describe_room if together else wording.describe_scores
        title = describe(self.photo.scores)
        return f"{wording.FEELINGS[self.photo.scores.emotion].glyph} {title}"

    @property
    def suggestion(self) -> Intent:
        """The intent to suggest."""
        return suggested_intent(self.mood) if self.mood else "match"

    @property
    def options(self) -> SetOptions:
        """The options that the next set is drawn for."""
        return SetOptions(
            intent=self.intent or self.suggestion,
            filters=self.filters,
            minutes=self.minutes,
            adventure=self.adventure,
            draw=self.draw,
        )

    @property
    def heard_enough(self) -> bool:
        """Whether the music may have had an effect: enough was heard, or the set is over."""
        return self.set_ended or len(self.heard) >= ENOUGH_HEARD

    @property
    def liked(self) -> frozenset[str]:
        """The ids of the tracks that the visitor likes."""
        return self.taste.liked

    def show(
        self,
        image: NDArray[np.uint8] | DeviceCopy | None,
        reading: ImageReading,
        *,
        clip: ClipSummary | None = None,
    ) -> None:
        """Show an image that was read. One without a face leaves the last reading as it is."""
        self.chooser = None
        self.by_hand = False
        if not reading.faces:
            self.faceless, self.why_unread = image, reading.notes
            return
        self.faceless = None
        self.past_corrections, self.learning = self.corrections, True
        # A reading without a picture comes from the live camera, which has re-centred it.
        here = Recentring() if image is None else self._with_resting(self.past_corrections)
        self.photo = Photo(image, reading, recentring=here, clip=clip)
        self._new_mood()

    def choose(self, face: int) -> None:
        """Choose another face of the picture, or the `ROOM`.

        An unknown face changes nothing: a tap may arrive when another picture is shown.
        """
        photo = self.photo
        if photo is not None and (face == ROOM or face in range(len(photo.reading.faces))):
            photo.chosen = face
            self._new_mood()

    def favour(self, faces: Iterable[int]) -> None:
        """Let some of the faces count more in the room."""
        if self.photo is not None:
            known = range(len(self.photo.reading.faces))
            self.photo.favoured = tuple(sorted(face for face in faces if face in known))
            self._new_mood()

    def correct_emotion(self, emotion: str | None) -> None:
        """Correct the reading, or take the correction back with ``None``."""
        self.learning = True
        self._new_mood(corrected_emotion=emotion)

    def set_manually(self, mood: Mood) -> None:
        """Set the mood by hand. The dot back on the face's reading withdraws any correction."""
        back = self.photo is not None and mood.distance(self.photo.mood) < PAD_PRECISION
        self._new_mood(manual_mood=None if back else mood)

    def use_resting_face(self, resting: Recentring) -> None:
        """Use the visitor's resting face. It replaces earlier corrections."""
        self.resting = resting
        self.forget_corrections()

    def forget_resting(self) -> None:
        """Stop re-centring readings on the visitor's resting face."""
        self.resting = None
        self._read_again()

    def forget_corrections(self) -> None:
        """Stop counting corrections. The present mood stays as the visitor set it."""
        self.past_corrections, self.learning = Recentring(), False
        self._read_again()

    def _with_resting(self, corrections: Recentring) -> Recentring:
        return corrections if self.resting is None else self.resting.plus(corrections)

    def _read_again(self) -> None:
        """Re-centre the present photo as the next one would be."""
        photo = self.photo
        if photo is None or photo.image is None:
            return
        before = photo.scores
        photo.recentring = self._with_resting(self.past_corrections)
        if photo.scores != before and self.corrected_emotion is None and self.manual_mood is None:
            self._new_mood()

    def apply_filters(self, filters: Filters) -> None:
        """Apply other filters."""
        if filters != self.filters:
            self.filters_before, self.filters = self.filters, filters
            self.draw = 0

    def _new_mood(
        self, *, corrected_emotion: str | None = None, manual_mood: Mood | None = None
    ) -> None:
        """Start over with a new mood: its sets and intent are open; taste and filters stay."""
        self.corrected_emotion, self.manual_mood = corrected_emotion, manual_mood
        self.intent = None
        self.draw = 0
        self.sets = {}
        self.change = None
        self.shared = None
        self.heard, self.set_ended = frozenset(), False


def visitor_state() -> VisitorState:
    """Return this visitor's own `VisitorState`."""
    mine: VisitorState = st.session_state.setdefault("visitor", VisitorState())
    return mine

"""What counts how much in the ranking."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights, in points of score. Chosen by `tune.tune`; evaluation.md has what was tried.

    Attributes:
        bandwidth: how far away on the plane, in its units, a track scores half a point less
            than one in the right place. Along valence it approaches `quiet_bandwidth` the quieter
            the slot is.
        quiet_bandwidth: the bandwidth along valence where arousal is -1.
        genre: for a family that suits the mood perfectly over one of which the table says nothing.
        popularity: for the best known track over the least known one.
        acousticness: for acoustic music where the journey is quiet.
        instrumentalness: what instrumental music has to make up for where the journey is calm.
            What people label as calm is measured around `scoring.INSTRUMENTAL_CALM`, far from
            where calm is felt, so in calm slots being near there counts too, for this many
            points less.
        energy: taken off for a measured energy that lies 1 outside of what people label with the
            mood, `scoring.LABELLED_ENERGY`.
        repeat: taken off for each of the last `memory` tracks with the same leading family.
        memory: how many tracks back `repeat` looks.
        taste: for each unit of log-odds that a listener's taste gives.
        temperature: scale of the Gumbel noise; 0 would always give the same playlist.
    """

    bandwidth: float = 0.15
    quiet_bandwidth: float = 0.10
    genre: float = 2.0
    popularity: float = 1.2
    acousticness: float = 3.5
    instrumentalness: float = 1.0
    energy: float = 3.0
    repeat: float = 0.6
    memory: int = 5
    taste: float = 1.5
    temperature: float = 0.30

    def at(self, adventure: float) -> Weights:
        """Return the weights for a listener's appetite for the new.

        At 0 the well known, the usual families and what was liked count most, and little is left
        to the draw; at 1 popularity counts against a track and the draw decides more. At 0.5
        nothing changes.

        Args:
            adventure: 0 familiar to 1 adventurous.

        Raises:
            ValueError: it is outside that range or not a number.
        """
        check_adventure(adventure)
        bold = 2 * adventure - 1  # -1 to 1
        return replace(
            self,
            popularity=self.popularity * (1 - 1.5 * bold),
            genre=self.genre * (1 - 0.4 * bold),
            taste=self.taste * (1 - 0.5 * bold),
            temperature=self.temperature * 2**bold,
            repeat=self.repeat * 2**bold,
        )


def check_adventure(adventure: float) -> None:
    """Check that an appetite for the new is a number in [0, 1].

    Raises:
        ValueError: it is not.
    """
    number = isinstance(adventure, (int, float)) and not isinstance(adventure, bool)
    if not number or not 0.0 <= adventure <= 1.0:
        raise ValueError(
            f"Incorrect value for 'adventure' argument: {adventure!r}: 0 (familiar) to 1"
        )

"""What learning from likes is worth: simulated listeners, with it and without.

Each hears sets of ten, one after the other and in four moods by turns, gives a verdict on every
track and never hears one twice. Prints the fraction of a set that they like.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np

from recommender.catalog.catalog import Catalog
from recommender.evaluation.simulate import Listener, SimulatedSession, listen, listeners
from recommender.ranking.weights import Weights
from recommender.recommender import Recommender
from recommender.taste.taste import Feedback, Taste
from recommender.types import Mood

SIZE = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--catalog", help="a catalogue file, the starter catalogue by default")
    parser.add_argument("--seeds", type=int, default=10, help="listeners of each kind (10)")
    parser.add_argument("--sets", type=int, default=12, help="sets that each hears (12)")
    parser.add_argument("--weight", type=float, help="of taste in the ranking (as shipped)")
    options = parser.parse_args()
    weights = Weights() if options.weight is None else Weights(taste=options.weight)
    print(f"Weight of taste in the ranking: {weights.taste}\n")
    with Catalog.open(options.catalog) as catalog:
        recommender = Recommender(catalog, weights=weights)
        people = [listeners(catalog, seed) for seed in range(options.seeds)]
        learn(recommender, people, options.sets)
        change(recommender, people, options.sets)
        cost(catalog)


def learn(recommender: Recommender, people: Sequence[Sequence[Listener]], sets: int) -> None:
    print("| listener | learning | " + " | ".join(_after(sets)) + " | after 10 likes | distance |")
    print("|---" * (len(_after(sets)) + 4) + "|")
    for kind in range(len(people[0])):
        pair = [
            [
                listen(who[kind], recommender, sets=sets, size=SIZE, seed=seed, learning=learning)
                for seed, who in enumerate(people)
            ]
            for learning in (False, True)
        ]
        # The same sets in both rows: those that came once ten likes had been given.
        late = np.array([session.likes >= 10 for session in pair[1]])
        for sessions, name in zip(pair, ("no", "yes"), strict=True):
            liked = np.array([session.liked for session in sessions])
            cells = _by_two(liked.mean(axis=0))
            cells.append(f"{liked[late].mean():.2f}")
            cells.append(f"{np.mean([session.distance for session in sessions]):.2f}")
            print(f"| {people[0][kind].kind} | {name} | {' | '.join(cells)} |", flush=True)


def change(recommender: Recommender, people: Sequence[Sequence[Listener]], sets: int) -> None:
    """Measure listeners who love another kind of music from halfway through."""
    print()
    print("| taste changes halfway | learning | " + " | ".join(_after(sets)) + " |")
    print("|---" * (len(_after(sets)) + 2) + "|")
    for first, then in ((0, 1), (3, 0), (4, 3)):
        for learning in (False, True):
            sessions: list[SimulatedSession] = [
                listen(
                    who[first],
                    recommender,
                    sets=sets,
                    size=SIZE,
                    seed=seed,
                    learning=learning,
                    then=who[then],
                    after=sets // 2,
                )
                for seed, who in enumerate(people)
            ]
            cells = _by_two(np.mean([session.liked for session in sessions], axis=0))
            kinds = f"{people[0][first].kind} → {people[0][then].kind}"
            name = "yes" if learning else "no"
            print(f"| {kinds} | {name} | {' | '.join(cells)} |", flush=True)


def cost(catalog: Catalog) -> None:
    """What a taste of 200 verdicts costs, on one core, in processor time."""
    tracks = catalog.candidates(Mood(0.0, 0.0), limit=800)
    feedback = [
        Feedback(track, "like" if number % 3 else "dislike", Mood(0.0, 0.0))
        for number, track in enumerate(tracks[:200])
    ]
    candidates = tracks[-600:]
    fit, score, because = [], [], []
    for _ in range(20):
        taste = Taste(feedback)
        start = time.process_time()
        taste.score(candidates[:1], Mood(0.0, 0.0))
        fitted = time.process_time()
        taste.score(candidates, Mood(0.0, 0.0))
        scored = time.process_time()
        for track in candidates[:20]:
            taste.because(track)
        fit.append(fitted - start)
        score.append(scored - fitted)
        because.append(time.process_time() - scored)
    print()
    for name, seconds in (
        ("learning from 200 verdicts", fit),
        (f"scoring {len(candidates)} tracks", score),
        ("saying why, 20 tracks", because),
    ):
        print(f"{name}: {1000 * float(np.median(seconds)):.1f} ms")


def _after(sets: int) -> list[str]:
    return [f"{SIZE * first} to {SIZE * (first + 2)} heard" for first in range(0, sets, 2)]


def _by_two(figures: np.ndarray) -> list[str]:
    return [f"{figures[first : first + 2].mean():.2f}" for first in range(0, len(figures), 2)]


if __name__ == "__main__":
    main()

"""The measures on playlists made by hand, the baselines, and where ours stands among them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from recommender.catalog.catalog import Catalog
from recommender.errors import CatalogError
from recommender.evaluation import metrics as measures
from recommender.evaluation import report
from recommender.evaluation.baselines import (
    CatalogRecommender,
    NearestRank,
    NearestRaw,
    Popular,
    Quadrant,
    Random,
    baselines,
)
from recommender.evaluation.evaluate import (
    Evaluation,
    Grid,
    ask,
    default_grid,
    evaluate,
    everything,
    standings,
)
from recommender.evaluation.feature_analysis import gains
from recommender.evaluation.label_retrieval import precision, read_labels
from recommender.evaluation.metrics import MEASURES, Answer, Scenario
from recommender.evaluation.tune import (
    LABELLED_LIKE,
    LISTENERS,
    PARTS,
    CachedRecommender,
    merit,
    slider,
    tune,
)
from recommender.mood import CALM, COORDINATES, ENERGETIC
from recommender.ranking.weights import Weights
from recommender.request import Request
from recommender.types import INTENTS, Intent, Mood, Pick, Playlist, Track

Make = Callable[..., Track]
Row = Callable[..., dict[str, Any]]
Writer = Callable[..., Path]

WAYS = INTENTS
SCENARIOS = (
    *(
        Scenario(name, COORDINATES[name], way, {name: 1.0}, name if way == "match" else None)
        for name in ("sad", "angry", "happy")
        for way in WAYS
    ),
    Scenario("calm", CALM, "match", None, "calm"),
    Scenario("energetic", ENERGETIC, "match", None, "energetic"),
)
MIDDLE = Mood(0.0, 0.0)
GRID = Grid(SCENARIOS, seeds=(1, 2), n=20)


@pytest.fixture(scope="module")
def evaluation(starter: Catalog) -> Evaluation:
    return evaluate(starter, grid=GRID)


def _playlist(
    tracks: list[Track],
    slots: list[Mood] | None = None,
    *,
    mood: Mood = MIDDLE,
    target: Mood | None = None,
    intent: Intent = "match",
) -> Playlist:
    slots = slots or [mood] * len(tracks)
    picks = tuple(Pick(one, slot, "") for one, slot in zip(tracks, slots, strict=True))
    return Playlist(mood=mood, target=target or mood, intent=intent, picks=picks, seed=1)


def _answer(*playlists: Playlist, **changes: Any) -> list[Answer]:
    scenario = Scenario("x", playlists[0].mood, playlists[0].intent)
    return [Answer(replace(scenario, **changes), playlists)]


def test_recommender_beats_the_baselines_where_claimed(evaluation: Evaluation) -> None:
    assert report.broken_claims(evaluation.standings) == []
    claimed = {measure.name for measure in MEASURES if measure.ahead}
    assert claimed >= {"distance", "genre fit", "repeats", "novelty", "arrival", "leap"}


def test_every_recommender_has_every_metric(evaluation: Evaluation) -> None:
    names = ["Affectune", *(each.name for each in baselines())]
    assert list(evaluation.figures) == names
    for figures in evaluation.figures.values():
        assert list(figures) == [measure.name for measure in MEASURES]
        for name, value in figures.items():
            assert value is not None
            assert 0 <= value <= (100 if name == "popularity" else 3)


def test_failed_claim_is_reported(evaluation: Evaluation) -> None:
    figures = {name: dict(values) for name, values in evaluation.figures.items()}
    figures["Affectune"]["distance"] = 2.0
    figures["Affectune"]["repeats"] = figures["random"]["repeats"]
    found = {standing.measure: standing for standing in standings(figures)}
    assert found["distance"].place == 6
    assert "hard quadrant" in found["distance"].broken
    assert "random" not in found["repeats"].broken, "level is enough here"
    (claim, *_) = report.broken_claims(standings(figures))
    assert claim.startswith("distance: not ahead of random")


def test_the_recorded_figures_are_of_the_weights_in_use() -> None:
    recorded = json.loads(report.RECORD.with_suffix(".json").read_text(encoding="utf-8"))
    assert Weights(**recorded["weights"]) == Weights()
    assert all(standing["broken"] == [] for standing in recorded["standings"])
    assert Weights(**recorded["search"]["best"]) == Weights()


def test_the_recorded_figures_are_of_the_grid_in_use() -> None:
    recorded = json.loads(report.RECORD.with_suffix(".json").read_text(encoding="utf-8"))
    assert recorded["scenarios"] == len(default_grid().scenarios)


def test_the_default_grid_has_every_emotion_with_every_intent() -> None:
    grid = default_grid()
    asked = {(scenario.name, scenario.intent) for scenario in grid.scenarios}
    assert asked >= {(name, way) for name in COORDINATES for way in INTENTS}
    assert {scenario.label for scenario in grid.scenarios} >= set(measures.LABELLED)
    assert grid.playlists == len(grid.scenarios) * len(grid.seeds)


# What is measured


def test_distance_and_radius(track: Make) -> None:
    tracks = [track(n, position=Mood(0.3 * (n > 5), 0.4 * (n > 5))) for n in range(10)]
    assert measures.distance(_playlist(tracks)) == pytest.approx(0.2)
    assert measures.radius(_playlist(tracks)) == pytest.approx(0.5)
    assert measures.radius(_playlist(tracks, intent="shift")) is None
    assert measures.distance(_playlist([])) is None


def test_diversity_and_repeats(track: Make) -> None:
    alike = [track(n) for n in range(4)]
    apart = [track(n, genres=(f"genre {n}",)) for n in range(4)]
    assert measures.diversity(_playlist(alike)) == 0.0
    assert measures.diversity(_playlist(apart)) == 1.0
    assert measures.artist_repeats(_playlist(apart)) == 0.0
    twice = [*apart, track(9, artists=("someone", "ARTIST 1"))]
    assert measures.artist_repeats(_playlist(twice)) == pytest.approx(1 / 5)
    late = [track(0), *[track(n) for n in range(1, 12)], track(99, artists=("Artist 0",))]
    assert measures.artist_repeats(_playlist(late)) == 0.0


def test_novelty_and_coverage(track: Make) -> None:
    one, other, third = track(1), track(2), track(3)
    again = replace(one, id="x" * 22, title="Song 1 - Remaster")
    answers = _answer(_playlist([one, other]), _playlist([again, third]))
    assert measures.novelty(answers, 10) == 0.5
    assert measures.coverage(answers, 10) == 0.4
    assert measures.novelty(_answer(_playlist([one])), 10) is None


def test_arrival_steps_and_leaps_of_a_journey(track: Make) -> None:
    places = [Mood(-0.5, 0), Mood(-0.2, 0), Mood(0.4, 0), Mood(0.5, 0), Mood(0.6, 0)]
    tracks = [track(n, position=place) for n, place in enumerate(places)]
    journey = _playlist(tracks, mood=Mood(-0.6, 0), target=Mood(0.6, 0), intent="shift")
    assert measures.arrival(journey) == pytest.approx(0.1)
    assert measures.step(journey) == pytest.approx(1.1 / 4)
    assert measures.leap(journey) == pytest.approx(0.6)
    for still in (replace(journey, intent="match"), replace(journey, target=Mood(-0.5, 0))):
        assert measures.arrival(still) is measures.step(still) is measures.leap(still) is None


def test_genre_fit_takes_the_best_family(track: Make) -> None:
    def fit(*families: str) -> float | None:
        sad = _answer(_playlist([track(1, genres=families)]), emotions={"sad": 1.0})
        return measures.genre_fit(sad, 1)

    assert (fit("singer-songwriter") or 0) > (fit("dance pop") or 0)
    assert fit("dance pop", "singer-songwriter") == fit("singer-songwriter")
    assert fit() == fit("not a family") == pytest.approx(0.3)


def test_labelled_quartiles_acousticness_and_instrumentalness(track: Make) -> None:
    inside = track(1, valence=0.1, energy=0.1, acousticness=0.9, instrumentalness=0.7)
    outside = track(2, valence=0.49, energy=0.64, acousticness=None, instrumentalness=0.1)
    both = _answer(_playlist([inside, outside]), label="calm")
    assert measures.outside_labelled(both, 2) == pytest.approx(0.25)
    assert measures.acousticness(both, 2) == pytest.approx(0.9)
    assert measures.instrumentalness(both, 2) == pytest.approx(0.4)
    unlabelled = _answer(_playlist([inside]))
    assert measures.outside_labelled(unlabelled, 2) is None
    assert measures.acousticness(unlabelled, 2) is None


# The baselines


def test_baselines_match_their_descriptions(track: Make) -> None:
    bright = track(1, valence=0.9, energy=0.9, popularity=10.0, position=Mood(0.0, 0.0))
    sad = track(2, valence=0.1, energy=0.2, popularity=90.0, position=Mood(0.8, 0.8))

    def first(baseline: Any) -> Track:
        baseline.fit([bright, sad])
        (pick,) = baseline.answer(Request(Mood(0.8, 0.8), intent="match", n=1, seed=1)).picks
        return pick.track  # type: ignore[no-any-return]

    assert first(Popular()) == sad
    assert first(Quadrant()) == bright
    assert first(NearestRaw()) == bright
    assert first(NearestRank()) == sad


def test_every_scenario_is_drawn_on_its_own(starter: Catalog) -> None:
    random = Random()
    random.fit(everything(starter))
    answers = ask(random, GRID)
    firsts = {playlist.picks[0].track.id for each in answers for playlist in each.playlists}
    assert len(firsts) > 0.9 * GRID.playlists


# Weights


def test_cached_playlists_equal_fresh_ones(starter: Catalog) -> None:
    for mood, intent, seed in ((COORDINATES["sad"], "shift", 1), (CALM, "match", 2)):
        request = Request(mood, intent=intent, n=20, seed=seed)  # type: ignore[arg-type]
        quick = CachedRecommender(starter).answer(request)
        whole = CatalogRecommender(starter).answer(request)
        assert [pick.track for pick in quick.picks] == [pick.track for pick in whole.picks]


def test_tuning_score_lies_between_worst_and_best() -> None:
    names = [measure.name for measure in MEASURES]
    low = {m.name: (0.0 if m.better > 0 else 1.0) for m in MEASURES}
    high = {m.name: (1.0 if m.better > 0 else 0.0) for m in MEASURES}
    assert merit(low, [low, high]) == 0.0
    assert merit(high, [low, high]) == 1.0
    assert merit(dict.fromkeys(names, 0.5), [low, high]) == pytest.approx(0.5)
    beyond = {name: 2 * value for name, value in high.items()}
    assert merit(beyond, [low, high]) == 1.0, "no more for being still better"
    assert merit(dict.fromkeys(names), [low, high]) == 0.0
    better = {**low, "distance": 0.0}
    counted = sum(part for name, part in PARTS.items() if name in names)
    assert merit(better, [low, high]) == pytest.approx(PARTS["distance"] / counted)
    known = {**better, LISTENERS: 0.5, LABELLED_LIKE: 0.9}
    others = [{**low, LISTENERS: 0.2, LABELLED_LIKE: 0.2}, {**high, LISTENERS: 0.4}]
    assert merit(known, others) > merit({**known, LABELLED_LIKE: 0.3}, others) > 0


def test_weight_search_improves_on_bad_weights(starter: Catalog) -> None:
    grid = Grid(SCENARIOS[:4], seeds=(11,), n=12)
    search = tune(
        starter, start=Weights(bandwidth=3.0), grid=grid, values={"bandwidth": (3.0, 0.15)}
    )
    assert search.best.bandwidth == 0.15
    assert search.last > search.first
    assert search.changes == {"bandwidth": (3.0, 0.15)}
    kept = [trial for trial in search.trials if trial.kept]
    assert [(trial.changed, trial.value) for trial in kept] == [("bandwidth", 0.15)]
    again = tune(starter, start=search.best, grid=grid, values={"bandwidth": (3.0,)})
    assert again.best == search.best
    assert again.changes == {}


def test_from_familiar_to_adventurous(starter: Catalog) -> None:
    figures = slider(starter, grid=Grid(SCENARIOS[:4], seeds=(1, 2, 3)), stops=(0.0, 0.5, 1.0))
    familiar, middle, bold = figures.values()
    assert familiar["popularity"] > middle["popularity"] > bold["popularity"]  # type: ignore[operator]
    for name in ("novelty", "coverage"):
        assert familiar[name] < middle[name] < bold[name]  # type: ignore[operator]


def test_unknown_weight_is_named_in_the_error(starter: Catalog) -> None:
    grid = Grid(SCENARIOS[:1], seeds=(1,), n=2)
    with pytest.raises(ValueError, match=r"'weight'.*one of acousticness, .*temperature"):
        tune(starter, grid=grid, values={"weight": (1.0,)})


# Features and labels


def test_a_feature_that_tells_genres_apart_gains_and_noise_does_not(track: Make) -> None:
    tracks = [
        track(
            n,
            genres=("classical",) if n % 2 else ("metal",),
            acousticness=float(n % 2),
            tempo=float(60 + n * 7919 % 97),
            mode=None,
        )
        for n in range(400)
    ]
    found = gains(tracks)
    assert found["acousticness"] == pytest.approx(1.0, abs=0.05)
    assert found["tempo"] == pytest.approx(0.0, abs=0.05)
    assert found["mode"] is None
    assert set(gains(tracks[:50]).values()) == {None}


def test_labels_that_agree_with_the_plane_are_found_again(
    row: Row, write_csv: Writer, tmp_path: Path
) -> None:
    rows = [
        row(n, valence=0.9 - 0.8 * (n % 2), energy=0.85 - 0.5 * (n % 2) + n / 1000, genres="pop")
        for n in range(80)
    ]
    labels = tmp_path / "labels.csv"
    lines = [f"{n:022d},{'Sad' if n % 2 else ' happy'}" for n in range(80)]
    lines += [f"{'z' * 22},calm", f"{0:022d},lively"]
    labels.write_text("\ufeffID,Mood\n" + "\n".join(lines), encoding="utf-8")
    read = read_labels(labels)
    assert read[f"{0:022d}"] == {"happy", "lively"}
    with Catalog.open(write_csv(rows)) as catalog:
        found = precision(catalog, read)
    assert (found.known, found.missing) == (80, 1)
    by_label = {each.label: each for each in found.labels}
    assert set(by_label) == {"happy", "sad", "lively"}
    for label in ("happy", "sad"):
        assert by_label[label].tracks == 40
        assert by_label[label].precision["Affectune"] == (1.0, 1.0)
        assert by_label[label].precision["random"][1] < 0.8
    assert by_label["lively"].precision["Affectune"][0] <= 0.1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,mood\n", "has no labels"),
        ("", "lacks the columns id, mood"),
        ("id,label\na,sad\n", "lacks the columns mood"),
        ("id,mood\na,sad\nb,gloomy\n", "line 3: .*'gloomy': one of angry"),
        ("id,mood\n,sad\n", "line 2: the id is missing"),
        ("id,mood\na\n", "line 2: .*one of angry"),
        (b"id,mood\n\xff\xfe,sad\n", "cannot be read as a CSV"),
    ],
)
def test_unusable_labels_are_reported(text: Any, said: str, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CatalogError, match=said):
        read_labels(path)


def test_missing_labels_are_reported(tmp_path: Path, starter: Catalog) -> None:
    with pytest.raises(CatalogError, match="cannot be read"):
        read_labels(tmp_path / "none.csv")
    with pytest.raises(CatalogError, match="none of the 1 labelled tracks"):
        precision(starter, {"x": frozenset({"sad"})})


# What is written down


@pytest.fixture
def content(evaluation: Evaluation) -> dict[str, Any]:
    return report.as_content(
        evaluation,
        catalog="starter.csv",
        weights=Weights(),
        gains={"valence and energy": 0.1, "tempo": -0.001, "mode": None},
        adventure={0.5: evaluation.figures["Affectune"]},
    )


def test_the_table_has_a_row_a_measure_and_the_best_bold(content: dict[str, Any]) -> None:
    head, _, *rows = report.table(content).splitlines()
    assert [cell.strip() for cell in head.strip("|").split("|")] == ["", *content["figures"]]
    assert len(rows) == len(MEASURES)
    for row, measure in zip(rows, MEASURES, strict=True):
        assert row.startswith(f"| {measure.name} {'↑' if measure.better > 0 else '↓'}")
        assert row.count("**") >= 2
    popularity = next(row for row in rows if row.startswith("| popularity"))
    assert f"**{content['figures']['popularity']['popularity']:.1f}**" in popularity


def test_a_record_is_a_report_its_figures_and_a_small_chart(
    content: dict[str, Any], tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "evaluation.md"
    written = report.record(content, path)
    assert [each.name for each in written] == [
        "evaluation.md",
        "evaluation.json",
        "evaluation.svg",
    ]
    assert "Where ours stands" in path.read_text(encoding="utf-8")
    figures = json.loads(written[1].read_text(encoding="utf-8"))
    assert figures["figures"]["random"]["popularity"] == pytest.approx(
        content["figures"]["random"]["popularity"], abs=1e-4
    )
    drawing = written[2].read_bytes()
    assert ElementTree.fromstring(drawing).tag.endswith("svg")
    assert len(drawing) < 100_000
    assert b"nearest, ranked" in drawing, "words stay words"
    report.record(content, path)
    assert written[2].read_bytes() == drawing, "the same figures give the same file"


def test_a_search_is_kept_as_long_as_its_weights_are_in_use(
    content: dict[str, Any], tmp_path: Path, starter: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "draw", lambda content, path: None)
    path = tmp_path / "evaluation.md"
    grid = Grid(SCENARIOS[:2], seeds=(11,), n=5)
    search = tune(starter, start=Weights(), grid=grid, values={"temperature": (3.0,)}, rounds=1)
    report.record({**content, "search": report.as_search(search)}, path)
    report.record(content, path)
    assert "How the weights were chosen" in path.read_text(encoding="utf-8")
    others = {**content, "weights": {**content["weights"], "bandwidth": 0.5}}
    report.record(others, path)
    assert "How the weights were chosen" not in path.read_text(encoding="utf-8")


def test_the_drawing_library_is_loaded_to_draw_only() -> None:
    modules = "recommender.evaluation.report, recommender.evaluation.tune"
    code = f"import sys, {modules}; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

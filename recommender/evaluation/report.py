"""Writes down what `evaluate` and `tune` found: a table, a chart, and the same as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from recommender.evaluation.adjectives import Agreement
from recommender.evaluation.evaluate import Evaluation, Figures, Standing
from recommender.evaluation.fit import CORNER_DEPTHS
from recommender.evaluation.label_retrieval import DEPTHS, Precision
from recommender.evaluation.labelled_like import SET_SEEDS, TRACKS_PER_MOOD
from recommender.evaluation.listener_view import ListenerView
from recommender.evaluation.metrics import LABELLED, MEASURES, Measure
from recommender.evaluation.tune import PARTS, Search
from recommender.ranking.weights import Weights

RECORD: Final = Path(__file__).parents[1] / "evaluation.md"
"""The record of the shipped weights; the chart and the JSON are beside it."""

DRAWN: Final = (
    "distance",
    "arrival",
    "genre fit",
    "outside labels",
    "acousticness",
    "diversity",
    "repeats",
    "novelty",
    "coverage",
    "popularity",
)
"""What the chart shows."""

INK: Final = "#1D1419"
PALE: Final = "#B5A9A6"
GROUND: Final = "#FFFBF7"

Content = dict[str, Any]


def as_content(
    evaluation: Evaluation,
    *,
    catalog: str,
    weights: Weights,
    gains: Mapping[str, float | None] | None = None,
    adventure: Mapping[float, Figures] | None = None,
    search: Search | None = None,
    labels: Precision | None = None,
    listeners: ListenerView | None = None,
    adjectives: Agreement | None = None,
    labelled_like: Mapping[str, Mapping[str, tuple[float, ...]]] | None = None,
) -> Content:
    """Return all that was found, in types that JSON can hold.

    Args:
        evaluation: the figures.
        catalog: the name of the catalogue's file.
        weights: those in use.
        gains: what each audio feature adds, as `feature_analysis.gains` returns it.
        adventure: our figures from familiar to adventurous, as `tune.slider` returns them.
        search: how weights were searched for.
        labels: how well labelled tracks were retrieved.
        listeners: how well songs that listeners rated were retrieved.
        adjectives: how often listeners agree with what reasons say about the sound.
        labelled_like: recommender → mood → precision, in sets like the labelled tracks.
    """
    content: Content = {
        "catalog": catalog,
        "tracks": evaluation.tracks,
        "scenarios": len(evaluation.grid.scenarios),
        "seeds": list(evaluation.grid.seeds),
        "n": evaluation.grid.n,
        "figures": {name: dict(figures) for name, figures in evaluation.figures.items()},
        "standings": [asdict(standing) for standing in evaluation.standings],
        "weights": asdict(weights),
    }
    if gains is not None:
        content["features"] = dict(gains)
    if adventure is not None:
        content["adventure"] = {f"{stop:g}": dict(own) for stop, own in adventure.items()}
    if search is not None:
        content["search"] = as_search(search)
    if labels is not None:
        content["labels"] = asdict(labels)
    if listeners is not None:
        content["listeners"] = asdict(listeners)
    if adjectives is not None:
        content["adjectives"] = asdict(adjectives)
    if labelled_like is not None:
        content["labelled_like"] = {name: dict(moods) for name, moods in labelled_like.items()}
    return content


def as_search(search: Search) -> Content:
    """Return a search in types that JSON can hold: each trial without its figures."""
    content = asdict(search)
    for trial in content["trials"]:
        del trial["figures"]
    return content


def as_markdown(content: Content) -> str:
    """Return the report as Markdown."""
    parts = [_heading(content), table(content), "", _standings(content), _measured()]
    parts.append(listeners_table(content["listeners"]) if "listeners" in content else _NO_LISTENERS)
    if "labelled_like" in content:
        parts.append(_labelled_like(content["labelled_like"]))
    if "adjectives" in content:
        parts.append(_adjectives(content["adjectives"]))
    if "labels" in content:
        parts.append(labels_table(content["labels"]))
    if "adventure" in content:
        parts.append(_adventure(content["adventure"]))
    if "features" in content:
        parts.append(_features(content["features"]))
    if "search" in content:
        parts.append(_search(content["search"], content["weights"]))
    return "\n".join([*parts, _limits(), _READ_BY_EYE])


def table(content: Content) -> str:
    """Return the figures, a row per measure and a column per recommender, with the best in bold."""
    names = list(content["figures"])
    rows = [["", *names], ["---", *["---:"] * len(names)]]
    for measure in MEASURES:
        values = [content["figures"][name][measure.name] for name in names]
        known = [measure.better * value for value in values if value is not None]
        head = f"{measure.name} {'↑' if measure.better > 0 else '↓'}"
        rows.append([head, *(_cell(value, measure, max(known, default=0)) for value in values)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def labels_table(labels: Mapping[str, Any]) -> str:
    """Return the precision at each depth, a row per label and a column per recommender."""
    names = list(labels["labels"][0]["precision"]) if labels["labels"] else []
    depths = " and ".join(map(str, DEPTHS))
    lines = [
        "",
        f"## Labels found again: precision at {depths}",
        "",
        f"Of {labels['known']:,} labelled tracks that the catalogue has "
        f"({labels['missing']:,} it has not).",
        "",
        f"| label | tracks | at random | {' | '.join(names)} |",
        f"|---|---:|---:|{'---:|' * len(names)}",
    ]
    for found in labels["labels"]:
        chance = found["tracks"] / labels["known"]
        cells = [" / ".join(f"{value:.2f}" for value in found["precision"][name]) for name in names]
        lines.append(
            f"| {found['label']} | {found['tracks']:,} | {chance:.2f} | {' | '.join(cells)} |"
        )
    return "\n".join(lines)


_NO_LISTENERS = (
    "\n## What listeners say\n\nNot measured: give the table of their ratings with `--listeners`."
)


def listeners_table(view: Mapping[str, Any]) -> str:
    """Return what listeners' ratings say of each recommender, the best of each column bold."""
    lines = [
        "",
        "## What listeners say",
        "",
        f"{view['songs']:,} songs of the {view['split']} split of a table of listeners' ratings, "
        "by artists whose songs were not used to fit or choose anything, retrieved by mood. A song "
        "carries a mood if it is among the quarter that listeners place nearest to it, so chance "
        "gives 0.25. Precision:",
        "",
        *_precision_rows(view["precision"]),
    ]
    lines += ["", "| correlation with listeners' | valence | arousal |", "|---|---:|---:|"]
    for what, (valence, arousal) in view["correlation"].items():
        lines.append(f"| {what} | {valence:.2f} | {arousal:.2f} |")
    return "\n".join(lines)


def _labelled_like(precision: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    return "\n".join(
        [
            "",
            "### Tracks like those that people labelled",
            "",
            f"{len(SET_SEEDS)} sets of {len(LABELLED) * TRACKS_PER_MOOD} tracks without genres, "
            "drawn from a table of tracks so that each mood has the quartiles of valence and "
            "energy of 686 tracks that people labelled with it, and that what is calm is mostly "
            "instrumental. Their labels come from this draw and not from people, so this tests "
            "what the quartiles say and no more. Chance gives 0.25. Precision:",
            "",
            *_precision_rows(precision),
        ]
    )


def _precision_rows(precision: Mapping[str, Mapping[str, Sequence[float]]]) -> list[str]:
    """Return a table: a row per recommender, the mean at each depth and each mood at 20."""
    moods = list(next(iter(precision.values())))
    at = CORNER_DEPTHS.index(20)
    rows = {
        name: [
            *(fmean(depth) for depth in zip(*found.values(), strict=True)),
            *(found[mood][at] for mood in moods),
        ]
        for name, found in precision.items()
    }
    best = [max(column) for column in zip(*rows.values(), strict=True)]
    lines = [
        f"| | {' | '.join(f'mean of four at {depth}' for depth in CORNER_DEPTHS)} | "
        f"{' | '.join(f'{mood} at 20' for mood in moods)} |",
        f"|---|{'---:|' * len(best)}",
    ]
    for name, figures in rows.items():
        cells = (
            f"**{value:.2f}**" if value >= most - 1e-9 else f"{value:.2f}"
            for value, most in zip(figures, best, strict=True)
        )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _adjectives(found: Mapping[str, Any]) -> str:
    lines = [
        "",
        "### What reasons say about how songs sound",
        "",
        f"Reasons may describe the sound of {found['described']:,} of the {found['songs']:,} best "
        "known of these songs. Words such as bright are compared with listeners' valence, words "
        "such as loud with their arousal; a word agrees if listeners rate the song on that side "
        "of the median of these songs.",
        "",
        "| | songs | listeners agree |",
        "|---|---:|---:|",
    ]
    for name, (said, agreed) in found["sides"].items():
        fraction = f"{agreed / said:.0%}" if said else "–"
        lines.append(f"| {name} | {said:,} | {fraction} |")
    return "\n".join(lines)


def broken_claims(standings: Sequence[Standing]) -> list[str]:
    """Return a sentence for each measure in which ours is not ahead of a baseline as claimed."""
    return [
        f"{standing.measure}: not ahead of {', '.join(standing.broken)}"
        for standing in standings
        if standing.broken
    ]


def record(content: Content, path: Path = RECORD) -> list[Path]:
    """Write the report, its figures as JSON and its chart.

    If `content` has no search, that of the last record is kept, provided that it ended with the
    weights in use.

    Args:
        content: what `as_content` returned.
        path: of the report; the others lie beside it.

    Returns:
        What was written.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
    """
    figures, chart = path.with_suffix(".json"), path.with_suffix(".svg")
    if "search" not in content and figures.is_file():
        last = json.loads(figures.read_text(encoding="utf-8")).get("search")
        if last and last["best"] == content["weights"]:
            content = {**content, "search": last}
    draw(content, chart)
    figures.write_text(json.dumps(_rounded(content), indent=1) + "\n", encoding="utf-8")
    path.write_text(as_markdown(content), encoding="utf-8")
    return [path, figures, chart]


def draw(content: Content, path: Path) -> None:
    """Draw a small bar chart for each of `DRAWN`, ours in ink and the baselines paler."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    measures = {measure.name: measure for measure in MEASURES}
    names = list(content["figures"])
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "affectune"})
    matplotlib.rcParams.update({"font.family": "sans-serif", "font.size": 9})
    rows, columns = 2, len(DRAWN) // 2
    figure, axes = pyplot.subplots(rows, columns, figsize=(11, 4.6), facecolor=GROUND)
    for number, (axis, name) in enumerate(zip(axes.flat, DRAWN, strict=True)):
        measure = measures[name]
        values = [content["figures"][each][name] or 0.0 for each in names]
        axis.barh(names, values, color=[INK, *[PALE] * (len(names) - 1)], height=0.7)
        for place, value in enumerate(values):
            axis.text(
                value + 0.02 * (max(values) or 1),
                place,
                _figure(value, measure),
                va="center",
                color=INK,
                weight="bold" if place == 0 else "normal",
            )
        better = "more" if measure.better > 0 else "less"
        axis.set_title(f"{name}\n{better} is better", loc="left", fontsize=9, color=INK)
        axis.set_xlim(0, 1.35 * (max(values) or 1))
        axis.invert_yaxis()
        axis.set_facecolor(GROUND)
        axis.set_xticks([])
        axis.tick_params(length=0, colors=INK)
        if number % columns:
            axis.set_yticklabels([])
        for side in axis.spines.values():
            side.set_visible(False)
    figure.tight_layout()
    figure.savefig(path, facecolor=GROUND, metadata={"Date": None})
    pyplot.close(figure)


def _heading(content: Content) -> str:
    playlists = content["scenarios"] * len(content["seeds"])
    return "\n".join(
        [
            "# How well the music fits",
            "",
            "Written by `python -m recommender evaluate --record`, the parts on listeners with "
            "`--listeners` and `--facts`; the figures are also in "
            "[evaluation.json](evaluation.json).",
            "",
            f"Catalogue: `{content['catalog']}`, {content['tracks']:,} tracks. Each way of "
            f"choosing made {playlists} playlists of {content['n']} tracks: {content['scenarios']} "
            f"combinations of mood and intent, each {len(content['seeds'])} times with different "
            "seeds.",
            "",
            "- **random**: any track.",
            "- **popularity**: the most popular ones, for any mood.",
            "- **hard quadrant**: any track of the right quadrant of valence and energy, split "
            "at 0.5.",
            "- **nearest, raw**: nearest by valence and energy as measured.",
            "- **nearest, ranked**: nearest by their ranks in the catalogue, and nothing else. It "
            "shows the smallest distance possible, at the price of the same playlist every time.",
            "",
            "All of them follow our journey, so that they differ only in the choice of tracks.",
            "",
            "![Bars: each way of choosing in ten of the measures below](evaluation.svg)",
            "",
        ]
    )


def _standings(content: Content) -> str:
    lines = ["Where ours stands:", ""]
    for standing in content["standings"]:
        # Their names contain commas.
        behind, broken = (
            ", ".join(f"**{name}**" for name in standing[which]) for which in ("behind", "broken")
        )
        place = f"behind {behind}" if behind else "no baseline is ahead"
        claim = f" It claims to be ahead of {broken}, and is not." if broken else ""
        lines.append(
            f"- {standing['measure']}: {standing['place']} of {standing['of']}, {place}.{claim}"
        )
    return "\n".join(lines)


def _measured() -> str:
    return "\n".join(
        ["", "## What is measured", "", *(f"- **{each.name}**: {each.says}." for each in MEASURES)]
    )


def _adventure(figures: Mapping[str, Figures]) -> str:
    names = ("popularity", "genre fit", "novelty", "coverage", "diversity", "distance")
    lines = [
        "",
        "## From familiar to adventurous",
        "",
        f"| adventure | {' | '.join(names)} |",
        f"|---|{'---:|' * len(names)}",
    ]
    measures = {measure.name: measure for measure in MEASURES}
    for stop, own in figures.items():
        cells = (
            "–" if (value := own[name]) is None else _figure(value, measures[name])
            for name in names
        )
        lines.append(f"| {stop} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _features(gains: Mapping[str, float | None]) -> str:
    lines = [
        "",
        "## Is a mood more than two numbers?",
        "",
        "How well a quadratic in the features predicts which emotions a track's genre families "
        "suit (our table, a weak label): R² on tracks that it was not fitted to.",
        "",
        "| | |",
        "|---|---:|",
    ]
    for name, value in gains.items():
        sign = "" if name == "valence and energy" else "+"
        shown = "not known of enough tracks" if value is None else f"{value:{sign}.3f}"
        lines.append(f"| {name} | {shown} |")
    return "\n".join(
        [
            *lines,
            "",
            "Acousticness and instrumentalness count in the ranking where it is quiet and calm. "
            "What tempo and mode add in the starter catalogue is too little to include them. "
            "Danceability says much about genres, which the ranking knows already.",
        ]
    )


def _search(search: Mapping[str, Any], weights: Mapping[str, float]) -> str:
    parts = ", ".join(f"{name} {worth:g}" for name, worth in PARTS.items())
    lines = [
        "",
        "## How the weights were chosen",
        "",
        "`python -m recommender evaluate --tune` varies one weight after the other and keeps what "
        "raises the mean mark. A measure's mark is 0 at the worst baseline's figure, 1 at the best "
        "one's, and never above 1. Its seeds differ from those of the table. Marks are weighted: "
        f"{parts}.",
        "",
        f"It began at {search['first']:.3f} and ended at {search['last']:.3f}. "
        + (
            "The weights in use are those that it ended with."
            if search["best"] == weights
            else "The weights in use differ from those."
        ),
        "",
        "| weight | before | tried: mean mark (bold: kept) | after | in use |",
        "|---|---:|---|---:|---:|",
    ]
    tried: dict[str, list[str]] = {}
    for trial in search["trials"]:
        text = f"{trial['value']:g}: {trial['merit']:.3f}"
        tried.setdefault(trial["changed"], []).append(f"**{text}**" if trial["kept"] else text)
    for name, texts in tried.items():
        before, after = search["start"][name], search["best"][name]
        lines.append(
            f"| {name} | {before:g} | {' · '.join(texts)} | {after:g} | {weights[name]:g} |"
        )
    return "\n".join(lines)


_READ_BY_EYE = """## Read by eye

Twenty playlists from the starter catalogue, of different moods, intents and filters, were read in
November 2026 with the songs in mind. These five made the least sense:

- **Sad, stay with it**: songs such as "Be" (Hozier) and "Flower Power" (Greta Van Fleet), unhappy
  but not quiet. Sadness lies only a little below the middle of arousal, and the catalogue is loud.
- **Sad, in French, move gently**: of so few tracks hardly any lie along the way; "Papaoutai" and
  "Copines" come too early or too loud. The reasons say so.
- **Energetic**: "Naima" (John Coltrane), a ballad that is measured as loud and fast.
- **Calm**: "(You're The) Devil in Disguise" (Elvis Presley) beside lullabies, for it is measured as
  acoustic and quiet.
- **Surprised, stay with it**: "Alberto Balsalm" (Aphex Twin), for its danceability.
"""


def _limits() -> str:
    return "\n".join(
        [
            "",
            "## What this does not say",
            "",
            "No listener was asked about a playlist. Distance is measured on the plane that the "
            "ranking itself uses, and genre fit by our own table. Listeners' ratings are the "
            "external check. They derive from tags, two ratings of one song correlate at .7, "
            "and hardly any well-known song is rated calm and pleasant: with so few songs, "
            "precision is a rough figure, and on tracks that people labelled on purpose it may be "
            "higher. The quartiles of 686 such tracks are known. The ranking uses those of energy, "
            "and the weights were chosen on sets drawn from them, so they are not an independent "
            "check. "
            "Labels of your own say more: `--labels FILE.csv` with the columns `id,mood`.",
            "",
        ]
    )


def _cell(value: float | None, measure: Measure, best: float) -> str:
    if value is None:
        return "–"
    text = _figure(value, measure)
    return f"**{text}**" if measure.better * value >= best - 1e-9 else text


def _figure(value: float, measure: Measure) -> str:
    return f"{value:.1f}" if measure.name == "popularity" else f"{value:.3f}"


def _rounded(value: Any) -> Any:
    """Return content with figures of five decimals, so that only real changes show."""
    if isinstance(value, float):
        return round(value, 5)
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    return value

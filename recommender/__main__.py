"""The command line: ``python -m recommender play``, ``import``, ``evaluate`` and ``fit``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NoReturn

from recommender.catalog.addresses import is_address
from recommender.catalog.catalog import ENVIRONMENT, Catalog, open_or_starter
from recommender.catalog.importer import ImportReport, import_file
from recommender.errors import CatalogError
from recommender.journey import check_intent
from recommender.loosening import active, passing_in_words
from recommender.mood import COORDINATES, describe, mood_of, mood_of_emotion
from recommender.printable import printable, printable_json
from recommender.recommender import Recommender, lengths_in_minutes
from recommender.types import INTENTS, Filters, Mood, Pick, Playlist

DEFAULT_TARGET: Final = "catalog.duckdb"
EXIT_ERROR: Final = 2
BAR_CHARACTERS: Final = 30
CLEAR_LINE: Final = "\r\033[K"


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; the usage is there for those who ask with --help."""

    def error(self, message: str) -> NoReturn:
        command = self.prog.removeprefix("python -m ")
        self.exit(EXIT_ERROR, f"{command}: {_one_line(message)}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0, or 2 for what cannot be done as asked."""
    options = _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        # Titles come in every script, whatever encoding the terminal is set to.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        options.run(options)
        sys.stdout.flush()
    except (ValueError, CatalogError) as error:
        _warn(str(error))
        return EXIT_ERROR
    except BrokenPipeError:
        # `| head` has seen enough. Python would complain once more while shutting down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m recommender", description="Music that meets a mood, then moves it."
    )
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)

    play = commands.add_parser("play", help="choose a playlist for a mood")
    play.set_defaults(run=_play)
    mood = play.add_argument_group("mood (give it in one of three ways)")
    mood.add_argument("--emotion", metavar="NAME", help=", ".join(COORDINATES))
    mood.add_argument("--valence", metavar="V", help="unpleasant -1 to pleasant 1")
    mood.add_argument("--arousal", metavar="A", help="quiet -1 to full of energy 1")
    mood.add_argument("--probabilities", metavar="JSON", help='{"sad": 0.6, "neutral": 0.4}')
    play.add_argument(
        "--intent", default="shift", help=f"{', '.join(INTENTS).replace('_', '-')} (default: shift)"
    )
    play.add_argument("-n", default="20", help="how many tracks (default: 20)")
    play.add_argument("--minutes", metavar="M", help="fill M minutes instead, 5 to 600")
    play.add_argument(
        "--genre", action="append", default=[], help="only this family or tag; repeatable"
    )
    play.add_argument(
        "--without-genre",
        action="append",
        default=[],
        metavar="GENRE",
        help="never this one; repeatable",
    )
    play.add_argument(
        "--decade",
        action="append",
        default=[],
        metavar="YEAR",
        help="only this one, such as 1980; repeatable",
    )
    play.add_argument(
        "--language",
        action="append",
        default=[],
        metavar="CODE",
        help="only sung in this one, such as en; repeatable",
    )
    play.add_argument("--clean", action="store_true", help="no tracks marked as explicit")
    play.add_argument(
        "--adventure", default="0.5", metavar="A", help="0 familiar to 1 adventurous (default: 0.5)"
    )
    play.add_argument(
        "--catalog",
        metavar="FILE",
        help=f"a file, a folder or an address; default: {ENVIRONMENT}, else the starter",
    )
    play.add_argument("--seed", help="whole number; the same one gives the same playlist")
    play.add_argument("--json", action="store_true", help="print JSON")

    judge = commands.add_parser("evaluate", help="measure how well the music fits")
    judge.set_defaults(run=_evaluate)
    judge.add_argument(
        "--catalog", metavar="FILE", help=f"default: {ENVIRONMENT}, else the starter"
    )
    judge.add_argument(
        "--labels",
        metavar="FILE.csv",
        help="also: how well tracks with these labels are retrieved; id,mood",
    )
    judge.add_argument(
        "--listeners",
        metavar="FILE.csv",
        help="also: by listeners' ratings of songs; artist,title,valence,arousal,split",
    )
    judge.add_argument(
        "--facts",
        metavar="FILE",
        help="a table of tracks to look up these songs in; default: the catalogue",
    )
    judge.add_argument("--tune", action="store_true", help="also search for better weights, slow")
    judge.add_argument("--record", action="store_true", help="write recommender/evaluation.*")
    judge.add_argument("--json", action="store_true", help="print JSON")

    learn = commands.add_parser("fit", help="fit the mood plane to listeners' ratings of songs")
    learn.set_defaults(run=_fit)
    learn.add_argument(
        "--labels",
        metavar="FILE.csv",
        required=True,
        help="listeners' ratings: artist,title,valence,arousal,split; may be gzipped",
    )
    learn.add_argument(
        "--facts", metavar="FILE", required=True, help="a table of tracks with audio features"
    )
    learn.add_argument(
        "--out", metavar="FILE.json", help="where to write it; default: the package's own plane"
    )

    load = commands.add_parser("import", help="make a catalogue from a CSV or Parquet table")
    load.set_defaults(run=_import)
    load.add_argument("file", metavar="FILE", help="a table of Spotify tracks, CSV or Parquet")
    load.add_argument(
        "--catalog",
        metavar="FILE",
        help="where to write it: a file, or for tens of millions of tracks a folder (FOLDER/) or "
        f"an address (s3://…); default: {ENVIRONMENT}, else {DEFAULT_TARGET}",
    )
    load.add_argument(
        "--encoding",
        metavar="NAME",
        help="of a CSV that is neither UTF-8 nor Windows-1252: cp1250, gbk, shift_jis, …",
    )
    return parser


def _play(options: argparse.Namespace) -> None:
    mood, emotions = _mood(options)
    count = _whole(options.n, "-n")
    minutes = None if options.minutes is None else _figure(options.minutes, "--minutes", "5 to 600")
    filters = Filters(
        without_genres=tuple(options.without_genre),
        decades=tuple(_decade(text) for text in options.decade),
        languages=tuple(code.strip().lower() for code in options.language),
        explicit=not options.clean,
    )
    seed = None if options.seed is None else _whole(options.seed, "--seed")
    if seed is not None and seed < 0:
        raise ValueError(f"Incorrect value for '--seed' argument: {options.seed!r}: 0 or more")
    if options.catalog:
        catalog = Catalog.open(options.catalog)
    else:
        catalog, note = open_or_starter()
        if note:
            _warn(note)
    with catalog:
        _check_languages(filters.languages, catalog.languages())
        recommender = Recommender(catalog)
        playlist = recommender.recommend(
            mood,
            intent=check_intent(options.intent.strip().lower().replace("-", "_")),
            n=count,
            minutes=minutes,
            genres=options.genre,
            filters=filters,
            adventure=_figure(options.adventure, "--adventure", "0 (familiar) to 1"),
            emotions=emotions,
            seed=seed,
        )
        short = len(playlist.picks) < count if minutes is None else _lasts(playlist) < 0.9 * minutes
        all_filters = replace(filters, genres=tuple(options.genre))
        if short and active(all_filters):
            _warn(passing_in_words(recommender.passing(all_filters)))
    if options.json:
        print(printable_json(_as_json(playlist)))
    else:
        for note in playlist.notes:
            _warn(note)
        print(_as_text(playlist, options.emotion, short=short))


def _evaluate(options: argparse.Namespace) -> None:
    # Imported here, because choosing music does not need them.
    from recommender.evaluation import report
    from recommender.evaluation.adjectives import agreement
    from recommender.evaluation.baselines import (
        InMemoryRecommender,
        PlaylistRecommender,
        baselines,
    )
    from recommender.evaluation.evaluate import evaluate, everything
    from recommender.evaluation.feature_analysis import gains
    from recommender.evaluation.label_retrieval import precision, read_labels
    from recommender.evaluation.labelled_like import labelled_precision, labelled_sets
    from recommender.evaluation.listener_view import listener_view
    from recommender.evaluation.listeners import read_listeners, read_recordings
    from recommender.evaluation.tune import Outside, slider, tune
    from recommender.ranking.weights import Weights

    labels = read_labels(Path(options.labels)) if options.labels else None
    said = read_listeners(Path(options.listeners)) if options.listeners else None
    if options.facts and said is None:
        raise ValueError(
            "--facts needs --listeners: the songs of those ratings are looked up in it"
        )
    with Catalog.open(options.catalog) as catalog:
        heard, sets = everything(catalog), []
        if options.facts:
            with Catalog.open(options.facts) as facts:
                heard = everything(facts)
            sets = labelled_sets(read_recordings(Path(options.facts)))
        ways: list[PlaylistRecommender] = [InMemoryRecommender(), *baselines()]
        evaluation = evaluate(catalog)
        content = report.as_content(
            evaluation,
            catalog=catalog.name,
            weights=Weights(),
            gains=gains(everything(catalog)),
            adventure=slider(catalog),
            search=tune(catalog, outside=Outside(heard, said, sets) if said else None)
            if options.tune
            else None,
            labels=precision(catalog, labels) if labels else None,
            listeners=listener_view(heard, said) if said else None,
            adjectives=agreement(heard, said) if said else None,
            labelled_like={each.name: labelled_precision(sets, each) for each in ways}
            if sets
            else None,
        )
    if options.record:
        try:
            written = report.record(content)
        except ModuleNotFoundError as error:
            needed = f"The chart needs {error.name}: see requirements-train.txt"
            raise CatalogError(needed) from None
        for path in written:
            _warn(f"Wrote {path}")
    for claim in report.broken_claims(evaluation.standings):
        _warn(claim)
    print(json.dumps(content, indent=2) if options.json else report.as_markdown(content))


def _fit(options: argparse.Namespace) -> None:
    # Imported here, because choosing music does not need them.
    from recommender.catalog.plane import PLANE
    from recommender.evaluation.fit import as_text, fit_files

    target = Path(options.out) if options.out else PLANE
    found = fit_files(Path(options.labels), Path(options.facts), target)
    print(as_text(found))
    print(f"\nWritten to {printable(str(target))}")


def _import(options: argparse.Namespace) -> None:
    target = options.catalog or os.environ.get(ENVIRONMENT) or DEFAULT_TARGET
    # A bar is for a person who waits, not for a file.
    watched = sys.stderr.isatty()
    try:
        report = import_file(
            Path(options.file),
            target,
            on_progress=_bar if watched else None,
            encoding=options.encoding,
        )
    finally:
        if watched:
            print(CLEAR_LINE, end="", file=sys.stderr, flush=True)
    print(_summary(report, target))


def _warn(sentence: str) -> None:
    print(f"recommender: {_one_line(sentence)}", file=sys.stderr)


def _one_line(text: str) -> str:
    """Return a text from anywhere, a file's header for example, as one harmless line."""
    return printable(" ".join(text.split()))


def _bar(done: float, what: str) -> None:
    full = round(done * BAR_CHARACTERS)
    bar = "█" * full + "░" * (BAR_CHARACTERS - full)
    print(f"{CLEAR_LINE}{bar} {done:4.0%}  {what}", end="", file=sys.stderr, flush=True)


def _mood(options: argparse.Namespace) -> tuple[Mood, dict[str, float] | None]:
    """Return the mood, and the emotions that it was given as."""
    by_axes = options.valence is not None or options.arousal is not None
    ways = [options.emotion is not None, by_axes, options.probabilities is not None]
    if sum(ways) != 1:
        raise ValueError(
            "Give the mood in one way: --emotion NAME, or --valence V --arousal A, "
            "or --probabilities JSON"
        )
    if options.emotion is not None:
        return mood_of_emotion(options.emotion), {options.emotion: 1.0}
    if options.probabilities is not None:
        emotions = _probabilities(options.probabilities)
        return mood_of(emotions), emotions
    if options.valence is None or options.arousal is None:
        raise ValueError("--valence and --arousal belong together")
    return Mood(_number(options.valence, "--valence"), _number(options.arousal, "--arousal")), None


def _probabilities(text: str) -> dict[str, float]:
    try:
        emotions = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        emotions = None
    if not isinstance(emotions, dict) or not emotions:
        raise ValueError(
            f"Incorrect value for '--probabilities' argument: {text!r}: a JSON object of "
            f"weights for {', '.join(COORDINATES)}"
        )
    return emotions


def _number(text: str, name: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not -1.0 <= value <= 1.0:
        raise ValueError(f"Incorrect value for '{name}' argument: {text!r}: -1 to 1")
    return value


def _check_languages(wanted: Sequence[str], known: Sequence[str]) -> None:
    there = {code.lower() for code in known}
    for code in wanted:
        if code not in there:
            allowed = f"one of {', '.join(known)}" if known else "this catalogue knows none"
            raise ValueError(f"Incorrect value for '--language' argument: {code!r}: {allowed}")


def _figure(text: str, name: str, allowed: str) -> float:
    """Return a number; the recommender checks its bounds."""
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"Incorrect value for '{name}' argument: {text!r}: {allowed}") from None


def _decade(text: str) -> int:
    """Return the first year of a decade from ``1980`` or ``1980s``."""
    year = text.strip().lower().removesuffix("s")
    if not (len(year) == 4 and year.isascii() and year.isdigit() and year.endswith("0")):
        raise ValueError(
            f"Incorrect value for '--decade' argument: {text!r}: a first year, such as 1980"
        )
    return int(year)


def _whole(text: str, name: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(
            f"Incorrect value for '{name}' argument: {text!r}: a whole number"
        ) from None


def _as_json(playlist: Playlist) -> str:
    return json.dumps(
        {
            "mood": _point(playlist.mood),
            "target": _point(playlist.target),
            "intent": playlist.intent,
            "seed": playlist.seed,
            "tracks": [_track(pick) for pick in playlist.picks],
            "notes": list(playlist.notes),
        },
        ensure_ascii=False,
        indent=2,
    )


def _point(mood: Mood) -> dict[str, float]:
    return {"valence": mood.valence, "arousal": mood.arousal}


def _track(pick: Pick) -> dict[str, Any]:
    track = pick.track
    return {
        "id": track.id,
        "title": track.title,
        "artists": list(track.artists),
        "genres": list(track.genres),
        "year": track.year,
        "valence": track.valence,
        "energy": track.energy,
        "duration_ms": track.duration_ms,
        "url": track.url,
        "reason": pick.reason,
    }


def _lasts(playlist: Playlist) -> float:
    """Return about how many minutes a playlist lasts."""
    return sum(lengths_in_minutes([pick.track for pick in playlist.picks]))


def _as_text(playlist: Playlist, emotion: str | None, *, short: bool) -> str:
    start = emotion or describe(playlist.mood)
    headline = {
        "match": f"Music that matches: {start}",
        "shift": f"From {start} to {describe(playlist.target)}",
        "lift": f"From {start} straight to {describe(playlist.target)}",
        "wind_down": f"From {start} down to {describe(playlist.target)}",
    }[playlist.intent]
    width = len(str(len(playlist.picks)))
    lines = [headline, ""]
    for place, pick in enumerate(playlist.picks, start=1):
        year = f" ({pick.track.year})" if pick.track.year else ""
        lines += [
            f"{place:>{width}}. {pick.track.title} · {', '.join(pick.track.artists)}{year}",
            *([f"{'':{width}}  {pick.reason}"] if pick.reason else []),
            f"{'':{width}}  {pick.track.url}",
        ]
    if short:
        count = len(playlist.picks)
        these = "Only this one" if count == 1 else f"Only these {count}" if count else "Nothing"
        lines += ["", f"{these} in the catalogue fit{'' if count > 1 else 's'}."]
    else:
        lines += ["", f"About {_lasts(playlist):.0f} minutes."]
    lines += ["", f"For the same set again: --seed {playlist.seed}"]
    return "\n".join(map(printable, lines))


def _summary(report: ImportReport, target: str) -> str:
    place = target if is_address(target) else Path(target).expanduser().absolute()
    refused = sum(report.refused.values())
    lines = [
        f"{report.read:,} rows read{f' as {report.encoding}' if report.encoding else ''}",
        f"{report.kept:,} tracks in the catalogue",
        f"{report.merged:,} rows merged into a track with the same id",
        f"{refused:,} rows refused{':' if refused else ''}",
        *(f"    {rows:,} {reason}" for reason, rows in report.refused.items()),
    ]
    if report.unknown_tags:
        few = ", ".join(report.unknown_tags[:5])
        more = ", …" if len(report.unknown_tags) > 5 else ""
        lines.append(f"{len(report.unknown_tags):,} genre tags belong to no family: {few}{more}")
    if report.notes:
        lines += ["", *(f"{note}." for note in report.notes)]
    lines += ["", f"Written to {target}", f"Use it: export {ENVIRONMENT}={place}"]
    return "\n".join(map(printable, lines))


if __name__ == "__main__":
    sys.exit(main())

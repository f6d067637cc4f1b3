"""Selects the starter catalogue from a table of public track facts.

    python -m recommender.data.select_starter FACTS.csv.gz [--listeners LISTENERS.csv.gz]

reads a table with the columns ``spotify_id, title, artist, year, genres, popularity, valence,
energy, danceability, acousticness, instrumentalness, tempo, duration_ms, mode`` (the last two may
be empty), and ``explicit`` if the facts have it, and writes ``starter.csv`` beside this file. With
a table of listeners (see `recommender.evaluation.listeners`) it adds their ratings of the chosen
songs, except those of its test split, so that the catalogue can be evaluated on them. The same
tables give the same file. ``README.md`` says what it aims at and why; ``starter_choices.toml``
holds what was decided by ear and by hand.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from recommender.catalog.columns import FEATURES, MEASURED
from recommender.evaluation.listeners import Said, SongName, names_of, read_listeners
from recommender.genres import GenreTable, default_table, normalise

HERE: Final = Path(__file__).parent
OUTPUT: Final = HERE / "starter.csv"
CHOICES: Final = HERE / "starter_choices.toml"

COLUMNS: Final = (
    "id",
    "title",
    "artists",
    "genres",
    "language",
    "year",
    "popularity",
    *MEASURED,
)

LISTENED: Final = ("listener_valence", "listener_arousal")
"""Listeners' ratings of a recording, in standard deviations: columns that an import knows."""

PER_CELL: Final = 225
"""Tracks selected for each of the nine cells, before thin groups are filled."""

VALENCE_CUTS: Final = (0.33, 0.58)
ENERGY_CUTS: Final = (0.50, 0.72)
"""Boundaries of the cells. With equally many tracks in each cell these are the terciles of the
catalogue, placed so that even the rarest corner (pleasant and quiet) has twice the tracks it needs.
Valence and energy are correlated in recorded music: an unstratified selection would leave two
corners nearly empty."""

PER_ARTIST: Final = 6
LEAST_POPULAR: Final = 25
LEAST_FAMILY: Final = 12
FIRST_YEAR: Final = 1925

LEAST_DECADE: Final = 260
"""Tracks of each decade from `FIRST_DECADE` on."""

FIRST_DECADE: Final = 1960

LEAST_OF_FAMILY: Final = 60
"""Tracks of each family, or all there are that pass."""

LEAST_LANGUAGE: Final = 15
"""Tracks in each language, or all there are that pass."""

DATED: Final = 60
"""When filling, a song whose year was set by hand counts as at least this popular: for many old
songs the facts have a reissue, which few people play."""

_JUNK_TAG = re.compile(
    r"noise|\brain\b|sleep|kinder|children|piano cover|guitar cover|hoerspiel|lullaby|healing|"
    r"asmr|\bsound\b|binaural|nursery|dong-yo|speedrun|covertronica|coverchill|\bcover\b|"
    r"background|shush|cartoon|calming|focus|sped up|karaoke|christmas|comic|comedy|relaxative|"
    r"mantra|high vibe|carnaval|oktoberfest|gymcore|hypertechno|drift phonk|orgcore"
)
_JUNK_TITLE = re.compile(
    r"karaoke|tribute|originally|in the style of|made famous|remix|sped up|slowed|nightcore|"
    r"[-(\[] ?live\b|live (at|from|in|version)|\bdemo\b|\bcover\b|commentary|interlude|\bskit\b|"
    r"\b[io]utro\b|\bintro\b|spotify|christmas|xmas|santa\b|jingle|noël|silent night|mistletoe|"
    r"let it snow|winter wonderland|wonderful time of the year|\byule\b|man with the bag|sleigh|"
    r"rudolph|drummer boy|holy night|navidad|deck the hall|chestnuts|frosty|merry|hush little|"
    r"winter things|^snowman|somewhere in my memory|rain \d|thunderstorm|"
    r"reprise|a ?capp?ella|re-?work|(acoustic|piano|instrumental|orchestral|alternate|stripped|"
    r"studio|bonus|extended) (version|mix)|medley|unplugged|session|bootleg|\bvip\b|mashup|"
    r"club mix|extended|- acoustic|\(acoustic|theme from the",
    re.IGNORECASE,
)
_RUDE = re.compile(
    r"n[i*][g*]|\bf+[u*]ck|\bbitch|\bpussy|\bhoe|\bwhore|\bs[l*]ut|\bdick|\bcock\b|\brape", re.I
)
_SUFFIX = re.compile(
    r"\s+-\s+(?:\d{4}\s+)?(?:digital(?:ly)?\s+)?(?:re-?master(?:ed)?|remastered version|mono|"
    r"stereo|single|radio|album|original|mix|edit|from\b|bonus|main|explicit|clean|deluxe|"
    r"\d{4}\s+(?:mix|version|remaster|digital)|remastered\d{4}|rudy van gelder|classic radio|"
    r"\d{4}$|(?:film|vocal) version|gabry ponte|love theme|aus(?= \"))\b.*$"
    r"|\s+-\s+\d+(?:\"|'')\s.*$",
    re.IGNORECASE,
)
_PARENTHESIS = re.compile(
    r"\s*[(\[](?:\d{4} )?(?:re-?master|\d+-bit|mono\b|from |music from|theme from|"
    r"single version|radio edit|album version|original|bonus)[^)\]]*[)\]]",
    re.IGNORECASE,
)
_GUESTS = re.compile(
    r"\s*(?:[(\[]\s*(?:feat\.?|ft\.?|featuring|with|con|met|mit)\s+([^)\]]+)[)\]]"
    r"|\s-\s+with\s+(.+)|\s(?:-\s+)?(?:feat\.?|ft\.?|featuring)\s+(.+))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Song:
    """A row of the facts, cleaned."""

    id: str
    title: str
    artists: tuple[str, ...]
    genres: tuple[str, ...]
    language: str
    year: str
    popularity: int | None
    values: Mapping[str, float]
    tempo: float
    known: float
    duration_ms: str = ""
    mode: str = ""
    explicit: str = ""

    @property
    def cell(self) -> tuple[int, int]:
        """The cell of valence and energy that it lies in, each 0 to 2."""
        return (
            sum(self.values["valence"] >= cut for cut in VALENCE_CUTS),
            sum(self.values["energy"] >= cut for cut in ENERGY_CUTS),
        )

    @property
    def keys(self) -> set[tuple[str, str]]:
        """What makes two rows the same song: a title and any artist in common."""
        return {(plain(self.title), plain(artist)) for artist in self.artists}


def main() -> None:
    """Select and write."""
    parser = argparse.ArgumentParser(description="Select the starter catalogue.")
    parser.add_argument("facts", type=Path, help="CSV of track facts, may be gzipped")
    parser.add_argument("--listeners", type=Path, help="CSV of listeners' ratings, may be gzipped")
    options = parser.parse_args()
    choices = tomllib.loads(CHOICES.read_text(encoding="utf-8"))
    candidates = list(without_repeats(songs(rows(options.facts), choices, default_table())))
    listed = [song for song in candidates if song.popularity is not None]
    dated = dict.fromkeys(choices["years"], DATED)
    chosen = fill(select(listed, choices["shares"]), candidates, least_known=dated)
    said = read_listeners(options.listeners) if options.listeners else []
    write(without_tiny_families(chosen), OUTPUT, said)


def rows(path: Path) -> list[dict[str, str]]:
    """Read the facts."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def songs(
    facts: Sequence[Mapping[str, str]], choices: Mapping[str, Any], table: GenreTable
) -> list[Song]:
    """Clean the facts, leave out what is not a song for listening, and sort by how well known."""
    presence = Counter(row["artist"] for row in facts)
    dropped = {name.lower() for name in choices["drop"]["artists"]}
    ids = set(choices["drop"]["ids"])
    dated = set(choices["years"])
    found = []
    for row in facts:
        artist, tags = row["artist"].strip(), re.split(r"\s*[|;,]\s*", row["genres"])
        if artist.lower() in dropped or row["spotify_id"] in ids or _is_junk(row):
            continue
        popularity = _popularity(row)
        # A year set by hand shows that a song is known; otherwise only popularity does.
        if popularity is None and row["spotify_id"] not in dated:
            continue
        families = tuple(choices["families"].get(artist, table.families_of(tags)[:4]))
        if not families or families[0] in choices["drop"]["families"]:
            continue
        title, guests = split_title(row["title"], choices["names"]["whole"])
        artists = [*split_names(artist, choices["names"]["whole"]), *guests]
        values = {name: round(float(row[name]), 3) for name in FEATURES}
        found.append(
            Song(
                id=row["spotify_id"],
                title=title,
                artists=tuple(unique(artists)),
                genres=families,
                language=language(artist, title, tags, families, values, choices),
                year=_year(row, choices["years"]),
                popularity=popularity,
                values=values,
                tempo=round(float(row["tempo"]), 1),
                # A name that occurs often in public listings is one that people know.
                known=(popularity or 0)
                + min(presence[artist], 16) / 2
                + choices["raised"].get(families[0], 0),
                duration_ms=_digits(row.get("duration_ms")),
                mode=_digits(row.get("mode")),
                explicit=row.get("explicit") or "",
            )
        )
    return sorted(found, key=lambda song: (-song.known, song.id))


def select(candidates: Sequence[Song], shares: Mapping[str, float]) -> list[Song]:
    """Choose `PER_CELL` songs for each cell, the rarest cell first.

    Each step takes the best known song, with a penalty for how full the share of its family is and
    for each track that its artist already has.
    """
    supply = Counter(song.cell for song in candidates)
    chosen: list[Song] = []
    families: Counter[str] = Counter()
    artists: Counter[str] = Counter()
    for cell in sorted(supply, key=lambda cell: (supply[cell], cell)):
        free = [song for song in candidates if song.cell == cell]
        for _ in range(PER_CELL):
            free = [song for song in free if _heard(song, artists) < PER_ARTIST]

            def worth(song: Song) -> tuple[float, str]:
                family = song.genres[0]
                crowded = families[family] / shares.get(family, 40)
                return song.known - 70 * crowded - 5 * _heard(song, artists), song.id

            best = max(free, key=worth)
            free.remove(best)
            chosen.append(best)
            families[best.genres[0]] += 1
            artists.update(map(plain, best.artists))
    return chosen


def fill(
    chosen: Sequence[Song], candidates: Sequence[Song], *, least_known: Mapping[str, float] = {}
) -> list[Song]:
    """Add to groups that are thin: decades, then languages, then genre families.

    Each step takes the best known song, with a penalty for what its artist and its cell already
    have, so that the cells stay about equally full.

    Args:
        chosen: the songs that are in already.
        candidates: the songs to add from; those in already are skipped.
        least_known: id → the least that a song counts as known.

    Returns:
        All songs, by artist and title.
    """
    filled = list(chosen)
    taken = {song.id for song in chosen}
    artists = Counter(plain(name) for song in chosen for name in song.artists)
    cells = Counter(song.cell for song in chosen)
    for wanted, groups in (
        (LEAST_DECADE, _decades),
        (LEAST_LANGUAGE, lambda song: (song.language,)),
        (LEAST_OF_FAMILY, lambda song: song.genres),
    ):
        supply = Counter(group for song in candidates for group in groups(song))
        for group in sorted(supply, key=lambda group: (supply[group], str(group))):
            free = [song for song in candidates if group in groups(song) and song.id not in taken]
            have = sum(group in groups(song) for song in filled)
            for _ in range(wanted - have):
                free = [song for song in free if _heard(song, artists) < PER_ARTIST]
                if not free:
                    break

                def worth(song: Song) -> tuple[float, str]:
                    crowded = cells[song.cell] / PER_CELL
                    known = max(song.known, least_known.get(song.id, 0))
                    return known - 20 * crowded - 5 * _heard(song, artists), song.id

                best = max(free, key=worth)
                free.remove(best)
                filled.append(best)
                taken.add(best.id)
                artists.update(map(plain, best.artists))
                cells[best.cell] += 1
    return sorted(filled, key=lambda song: (plain(song.artists[0]), plain(song.title), song.id))


def _decades(song: Song) -> tuple[int, ...]:
    """Return the decade that a song counts for, if any."""
    decade = int(song.year or 0) // 10 * 10
    return (decade,) if decade >= FIRST_DECADE else ()


def without_tiny_families(chosen: Sequence[Song]) -> list[Song]:
    """Leave out families that are too small for a playlist, if a song has another one."""
    sizes = Counter(family for song in chosen for family in song.genres)
    return [
        replace(
            song,
            genres=tuple(f for f in song.genres if sizes[f] >= LEAST_FAMILY) or song.genres,
        )
        for song in chosen
    ]


def _heard(song: Song, artists: Counter[str]) -> int:
    """Return how often the most frequent of its artists was chosen."""
    return max(artists[plain(name)] for name in song.artists)


def without_repeats(candidates: Iterable[Song]) -> Iterator[Song]:
    """Leave out songs that repeat a better known one: same title and artist, or same recording."""
    keys: set[tuple[str, str]] = set()
    recordings: set[tuple[str, int, int]] = set()
    for song in candidates:
        recording = plain(song.title), round(song.tempo), round(song.values["valence"] * 20)
        if not keys & song.keys and recording not in recordings:
            yield song
        keys |= song.keys
        recordings.add(recording)


def split_title(title: str, whole: Sequence[str]) -> tuple[str, list[str]]:
    """Return a title without release notes and guests, and the guests."""
    guests: list[str] = []
    for match in _GUESTS.finditer(title):
        guests += split_names(
            (match.group(1) or match.group(2) or match.group(3)).strip("()[] "), whole
        )
    cleaned = _PARENTHESIS.sub("", _SUFFIX.sub("", _GUESTS.sub("", title)))
    return " ".join(cleaned.split()).strip(" -") or title, guests


def split_names(names: str, whole: Sequence[str]) -> list[str]:
    """Split a credit into names, leaving bands such as "Earth, Wind & Fire" whole."""
    held = {f"\x00{place}\x00": name for place, name in enumerate(whole) if name in names}
    for mark, name in held.items():
        names = names.replace(name, mark)
    names = re.sub(r"\b(?:feat|ft)\. ", "", names)
    parts = re.split(r"\s*,\s*(?:and |& )?|\s+&\s+|\s+and\s+(?!the )|\s+[xX]\s+|\s*;\s*", names)
    return [held.get(part, part).strip() for part in parts if part.strip()]


def language(
    artist: str,
    title: str,
    tags: Sequence[str],
    families: Sequence[str],
    values: Mapping[str, float],
    choices: Mapping[str, Any],
) -> str:
    """Return an ISO 639 code: decided by hand, else told by the tags, else English."""
    spoken: Mapping[str, Any] = choices["languages"]
    by_hand = spoken["songs"].get(f"{artist} - {title}") or spoken["artists"].get(artist)
    if by_hand:
        return str(by_hand)
    if families[0] in ("classical", "piano & neo-classical"):
        return "zxx"
    # In other families, instrumentalness misses singing under a wall of sound.
    wordless = {"ambient", "film & game music", "jazz", "lo-fi & chill", "electronic", "house"}
    if values["instrumentalness"] > 0.5 and wordless & set(families):
        return "zxx"
    words = [f" {normalise(tag)} " for tag in tags]
    for code, phrases in spoken["tags"].items():
        if any(f" {normalise(phrase)} " in tag for tag in words for phrase in phrases):
            return str(code)
    return "en"


def plain(text: str) -> str:
    """Return letters and digits only, without accents, for comparing."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if letter.isalnum()) or text


def unique(names: Iterable[str]) -> list[str]:
    """Return each name once, in order."""
    return list({plain(name): name for name in reversed(list(names))}.values())[::-1]


def write(chosen: Sequence[Song], path: Path, said: Sequence[Said] = ()) -> None:
    """Write the catalogue, with a column `explicit` only if the facts mark some songs.

    Args:
        chosen: the songs.
        path: the file.
        said: listeners' ratings of songs; those of the test split are left out.
    """
    rated = {each.name: each for each in said if each.split != "test"}
    marked = any(song.explicit for song in chosen)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*COLUMNS, *(["explicit"] if marked else []), *(LISTENED if rated else ())])
        for song in chosen:
            writer.writerow(
                [
                    song.id,
                    song.title,
                    ";".join(song.artists),
                    ";".join(song.genres),
                    song.language,
                    song.year,
                    "" if song.popularity is None else song.popularity,
                    *(song.values[name] for name in FEATURES),
                    song.tempo,
                    song.duration_ms,
                    song.mode,
                    *([song.explicit] if marked else []),
                    *(_listened(song, rated) if rated else ()),
                ]
            )


def _listened(song: Song, rated: Mapping[SongName, Said]) -> tuple[float | str, float | str]:
    """Return listeners' ratings of a song, or empty texts."""
    names = names_of(song.title, song.artists)
    found = next((rated[name] for name in names if name in rated), None)
    return ("", "") if found is None else (round(found.valence, 2), round(found.arousal, 2))


def _year(row: Mapping[str, str], by_hand: Mapping[str, int]) -> str:
    """Return the year of release, or nothing: in the facts 1905 stands for not known."""
    year = by_hand.get(row["spotify_id"]) or int(float(row["year"] or 0))
    return str(year) if year >= FIRST_YEAR else ""


def _popularity(row: Mapping[str, str]) -> int | None:
    """Return the popularity; None where it is unknown, or of a reissue that is hardly played."""
    popularity = round(float(row["popularity"] or 0))
    return popularity if popularity >= LEAST_POPULAR else None


def _digits(text: str | None) -> str:
    """Return a whole number as it is written, or nothing where it is not known."""
    return str(round(float(text))) if text else ""


def _is_junk(row: Mapping[str, str]) -> bool:
    needed = ("tempo", *FEATURES)
    if not re.fullmatch(r"[A-Za-z0-9]{22}", row["spotify_id"]) or not all(map(row.get, needed)):
        return True
    minutes = float(row.get("duration_ms") or 200_000) / 60_000
    title = row["title"]
    return bool(
        float(row["tempo"]) <= 0
        or float(row.get("speechiness") or 0) > 0.6
        or not 1.3 <= minutes <= 10
        or _JUNK_TAG.search(row["genres"])
        or _JUNK_TITLE.search(title)
        or _RUDE.search(title)
        or len(title) > 90
        or ";" in row["artist"]
        # The tag of a playlist and not of the music: half of them are in no Romance language.
        or row["genres"] == "latin"
    )


if __name__ == "__main__":
    main()

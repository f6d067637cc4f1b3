"""The command line as people and programs use it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recommender.__main__ import main
from recommender.catalog.catalog import ENVIRONMENT
from recommender.evaluation.evaluate import Grid, default_grid

Row = Callable[..., dict[str, Any]]
Writer = Callable[..., Path]
Capture = pytest.CaptureFixture[str]


def _json(capsys: Capture, *arguments: str) -> dict[str, Any]:
    assert main(["play", *arguments, "--json"]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_json_follows_its_contract(capsys: Capture) -> None:
    answer = _json(capsys, "--emotion", "sad", "-n", "7", "--intent", "lift")
    assert answer["mood"] == {"valence": -0.63, "arousal": -0.27}
    assert answer["intent"] == "lift"
    assert len(answer["tracks"]) == 7
    for track in answer["tracks"]:
        assert set(track) >= {
            "id",
            "title",
            "artists",
            "genres",
            "valence",
            "energy",
            "url",
            "reason",
        }
        assert track["url"] == f"https://open.spotify.com/track/{track['id']}"
        assert isinstance(track["artists"], list)


@pytest.mark.parametrize("spelling", ["wind-down", "wind_down", "Wind-Down"])
def test_winding_down_is_spelt_as_one_likes(capsys: Capture, spelling: str) -> None:
    answer = _json(capsys, "--emotion", "happy", "-n", "6", "--intent", spelling)
    assert answer["intent"] == "wind_down"
    assert answer["tracks"][-1]["energy"] < answer["tracks"][0]["energy"]
    assert main(["play", "--emotion", "happy", "--intent", spelling]) == 0
    assert capsys.readouterr().out.startswith("From happy down to calm and warm\n")


def test_where_filters_leave_little_it_is_said_on_stderr(capsys: Capture) -> None:
    narrow = ["--genre", "brazilian", "--decade", "1990"]
    for as_json in ([], ["--json"]):
        assert main(["play", "--emotion", "sad", *narrow, *as_json]) == 0
        answer = capsys.readouterr()
        assert answer.err.startswith("recommender: No track matches your filters. Without the ")
        assert "match your filters" not in answer.out
    assert main(["play", "--emotion", "sad", "--decade", "1990"]) == 0
    assert capsys.readouterr().err == ""


def test_the_mood_may_be_told_in_three_ways(capsys: Capture) -> None:
    by_name = _json(capsys, "--emotion", "happy", "--seed", "3")
    by_share = _json(capsys, "--probabilities", '{"happy": 2}', "--seed", "3")
    by_axes = _json(capsys, "--valence", "0.81", "--arousal", "0.51", "--seed", "3")
    assert by_name["mood"] == by_share["mood"] == by_axes["mood"]
    assert by_name["tracks"] == by_share["tracks"]


def test_twenty_tracks_of_a_shift_by_default(capsys: Capture) -> None:
    answer = _json(capsys, "--emotion", "sad")
    assert (answer["intent"], len(answer["tracks"])) == ("shift", 20)


def test_genres_may_be_repeated(capsys: Capture) -> None:
    answer = _json(capsys, "--emotion", "sad", "--genre", "jazz", "--genre", "Hip-Hop")
    assert all({"jazz", "hip hop"} & set(track["genres"]) for track in answer["tracks"])


def test_plain_text_output(capsys: Capture) -> None:
    assert main(["play", "--emotion", "sad", "-n", "12", "--seed", "4"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "From sad to bright and easy"
    assert lines[2].startswith(" 1. ")
    assert " · " in lines[2]
    assert lines[3].startswith("    ")
    assert lines[3].endswith(".")
    assert lines[4].strip().startswith("https://open.spotify.com/track/")
    assert lines[-1] == "For the same set again: --seed 4"


def test_short_playlist_is_reported(capsys: Capture, row: Row, write_csv: Writer) -> None:
    path = write_csv([row(1), row(2)])
    assert main(["play", "--valence", "0", "--arousal", "0", "--catalog", str(path)]) == 0
    assert "Only these 2" in capsys.readouterr().out


def test_a_playlist_that_fills_its_time_is_not_called_short(capsys: Capture) -> None:
    """Of most tracks of the 1990s the starter does not know the length."""
    asked = ("--emotion", "fear", "--minutes", "45", "--decade", "1990", "--seed", "4")
    assert main(["play", *asked, "--without-genre", "metal"]) == 0
    said = capsys.readouterr()
    assert "fit" not in said.out
    assert "match your filters" not in said.err


def test_filters_and_minutes(capsys: Capture) -> None:
    answer = _json(
        capsys,
        *("--emotion", "happy", "--minutes", "45", "--decade", "1980s", "--decade", "1990"),
        *("--without-genre", "Pop", "--language", "EN", "--clean", "--adventure", "1"),
    )
    tracks = answer["tracks"]
    assert len(tracks) >= 8
    assert all(1980 <= track["year"] < 2000 for track in tracks)
    assert not any("pop" in track["genres"] for track in tracks)
    known = [track["duration_ms"] / 60_000 for track in tracks if track["duration_ms"]]
    assert sum(known) + (len(tracks) - len(known)) * 2 < 50
    assert sum(known) + (len(tracks) - len(known)) * 7 > 40


def test_duration_is_reported(capsys: Capture) -> None:
    assert main(["play", "--emotion", "happy", "--minutes", "30", "--seed", "2"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("About"))
    assert 25 <= int(line.split()[1]) <= 35


def test_playlist_shorter_than_requested_is_reported(
    capsys: Capture, row: Row, write_csv: Writer
) -> None:
    path = write_csv([row(1), row(2)])
    assert main(["play", "--emotion", "sad", "--minutes", "60", "--catalog", str(path)]) == 0
    assert "Only these 2" in capsys.readouterr().out


def test_evaluate_for_people_and_programs(
    capsys: Capture,
    row: Row,
    write_csv: Writer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few = Grid(default_grid().scenarios[:4], seeds=(1, 2), n=5)
    monkeypatch.setattr("recommender.evaluation.evaluate.default_grid", lambda: few)
    monkeypatch.setattr("recommender.evaluation.tune.default_grid", lambda: few)
    catalog = write_csv([row(number) for number in range(30)])
    labels = tmp_path / "labels.csv"
    labels.write_text("id,mood\n" + "\n".join(f"{n:022d},sad" for n in range(10)))
    options = ["evaluate", "--catalog", str(catalog)]
    assert main([*options, "--labels", str(labels), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["tracks"] == 30
    assert next(iter(answer["figures"])) == "Affectune"
    assert answer["labels"]["labels"][0]["label"] == "sad"
    assert main(options) == 0
    assert "| distance ↓ |" in capsys.readouterr().out


def test_evaluate_refuses_labels_that_it_cannot_read(capsys: Capture, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("id,mood\nx,gloomy\n")
    assert main(["evaluate", "--labels", str(path)]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "line 2" in output.err
    assert "'gloomy'" in output.err


@pytest.mark.parametrize(
    ("arguments", "bad", "allowed"),
    [
        (["--emotion", "sadd"], "'sadd'", "angry, disgust, fear, happy, sad, surprise, neutral"),
        (["--emotion", ""], "''", "angry, disgust"),
        (["--emotion", "sad", "--intent", "up"], "'up'", "match, shift, lift"),
        (["--emotion", "sad", "--genre", "regae"], "'regae'", "did you mean reggae"),
        (["--emotion", "sad", "--genre", "xyzzy"], "'xyzzy'", "one of afrobeats"),
        (["--emotion", "sad", "-n", "0"], "0", "1 to 200"),
        (["--emotion", "sad", "-n", "many"], "'many'", "a whole number"),
        (["--emotion", "sad", "--seed", "x"], "'x'", "a whole number"),
        (["--emotion", "sad", "--seed", "-1"], "'-1'", "0 or more"),
        (["--valence", "1.5", "--arousal", "0"], "'1.5'", "-1 to 1"),
        (["--valence", "0", "--arousal", "nan"], "'nan'", "-1 to 1"),
        (["--valence", "0", "--arousal", "low"], "'low'", "-1 to 1"),
        (["--valence", "0"], "--arousal", "belong together"),
        (["--probabilities", "{sad: 1"], "'{sad: 1'", "a JSON object"),
        (["--probabilities", "[1, 2]"], "'[1, 2]'", "a JSON object"),
        (["--probabilities", "{}"], "'{}'", "a JSON object"),
        (["--probabilities", "[" * 100_000], "[[[", "a JSON object"),
        (["--probabilities", '{"glad": 1}'], "'glad'", "angry, disgust"),
        (["--probabilities", '{"sad": NaN}'], "nan", "0 or more"),
        (["--probabilities", '{"sad": "1"}'], "'1'", "0 or more"),
        (["--probabilities", '{"sad": 0}'], "0", "above 0"),
        (["--emotion", "sad", "--minutes", "4"], "4.0", "5 to 600"),
        (["--emotion", "sad", "--minutes", "an hour"], "'an hour'", "5 to 600"),
        (["--emotion", "sad", "--minutes", "nan"], "nan", "5 to 600"),
        (["--emotion", "sad", "--without-genre", "regae"], "'regae'", "did you mean reggae"),
        (["--emotion", "sad", "--decade", "1985"], "'1985'", "such as 1980"),
        (["--emotion", "sad", "--decade", "80s"], "'80s'", "such as 1980"),
        (["--emotion", "sad", "--language", "klingon"], "'klingon'", "one of "),
        (["--emotion", "sad", "--adventure", "2"], "2.0", "0 (familiar) to 1"),
        (["--emotion", "sad", "--adventure", "bold"], "'bold'", "0 (familiar) to 1"),
        ([], "--emotion", "one way"),
        (["--emotion", "sad", "--valence", "0"], "--emotion", "one way"),
        (["--emotion", "sad", "--catalog", "/no/such.csv"], "/no/such.csv", "no catalogue"),
    ],
)
def test_bad_input_prints_one_line_and_exits_2(
    arguments: list[str], bad: str, allowed: str, capsys: Capture
) -> None:
    assert main(["play", *arguments]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert bad in output.err
    assert allowed in output.err


@pytest.mark.parametrize("arguments", [[], ["dance"], ["play", "--loud"], ["import"]])
def test_wrong_command_prints_one_line_and_exits_2(arguments: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_broken_catalogue_in_the_environment_does_not_stop_the_music(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text("track_id,valence\nx,1\n")
    monkeypatch.setenv(ENVIRONMENT, str(broken))
    assert main(["play", "--emotion", "sad", "-n", "3"]) == 0
    output = capsys.readouterr()
    assert "lacks the columns title, artists, energy" in output.err
    assert output.out.startswith("From sad")


def test_import_reports_read_merged_and_refused_rows(
    capsys: Capture, row: Row, write_csv: Writer, tmp_path: Path
) -> None:
    rows = [row(1), row(1, genres="weird tag"), row(2, valence=7), row(3)]
    target = tmp_path / "my catalogue.duckdb"
    assert main(["import", str(write_csv(rows)), "--catalog", str(target)]) == 0
    said = capsys.readouterr().out
    assert "4 rows read" in said
    assert "2 tracks in the catalogue" in said
    assert "1 rows merged" in said
    assert "1 valence outside 0 to 1" in said
    assert "weird tag" in said
    assert str(target) in said
    answer = _json(capsys, "--emotion", "sad", "--catalog", str(target))
    assert len(answer["tracks"]) == 2


def test_import_reports_the_column_mapping(
    capsys: Capture, table_of: Callable[..., str], tmp_path: Path
) -> None:
    header = "track_id,Title,Track,artist,valence_%,energy_%,explicit,length"
    content = table_of(header, "Video,Café,x,71,50,sort of,210").encode("cp1252")
    path, target = tmp_path / "table.csv", tmp_path / "c.duckdb"
    path.write_bytes(content)
    assert main(["import", str(path), "--catalog", str(target)]) == 0
    said = capsys.readouterr().out
    assert "1 rows read as Windows-1252" in said
    assert "title is taken from “Track” and not from “Title”." in said
    assert "Divided by 100, because they go from 0 to 100: “valence_%” and “energy_%”." in said
    assert "“length” is in seconds" in said
    assert "such as “sort of”: not played with --clean." in said
    clean = ["play", "--emotion", "sad", "--clean", "--catalog", str(target)]
    assert main(clean) == 0
    assert "Nothing in the catalogue fits." in capsys.readouterr().out


def test_import_takes_an_encoding(
    capsys: Capture, table_of: Callable[..., str], tmp_path: Path
) -> None:
    path, target = tmp_path / "table.csv", tmp_path / "c.duckdb"
    path.write_bytes(
        table_of("id,title,artists,valence,energy", "青花瓷,周杰伦,.1,.2").encode("gbk")
    )
    command = ["import", str(path), "--catalog", str(target)]
    assert main(command) == 2
    assert "--encoding gbk" in capsys.readouterr().err
    assert main([*command, "--encoding", "gbk"]) == 0
    assert "read as gbk" in capsys.readouterr().out
    answer = _json(capsys, "--emotion", "sad", "--catalog", str(target))
    assert answer["tracks"][0]["artists"] == ["周杰伦"]


def test_clean_filter_without_explicit_flags_is_reported(capsys: Capture) -> None:
    assert main(["play", "--emotion", "sad", "--clean", "-n", "3"]) == 0
    output = capsys.readouterr()
    sentence = "This catalogue does not say which tracks are explicit, so none could be left out."
    assert output.err == f"recommender: {sentence}\n"
    assert output.out.startswith("From sad")
    assert _json(capsys, "--emotion", "sad", "--clean")["notes"] == [sentence]
    assert _json(capsys, "--emotion", "sad")["notes"] == []


STEERING = "\x1b[31mred\x1b]0;owned\x07 \x9b2J\u202eback\u2028end\x7f"


def _harmless(text: str) -> bool:
    return not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", text)


def test_no_control_character_reaches_the_terminal(
    capsys: Capture, table_of: Callable[..., str], tmp_path: Path
) -> None:
    path, target = tmp_path / f"t{STEERING[:5]}.csv", tmp_path / "c.duckdb"
    path.write_text(
        table_of(
            f"id,title,artists,valence,energy,genres,explicit,release_date,{STEERING}",
            f"{STEERING},{STEERING};y,.1,.2,{STEERING},{STEERING},{STEERING},z",
        )
    )
    said = []
    assert main(["import", str(path), "--catalog", str(target)]) == 0
    said.append(capsys.readouterr())
    assert main(["play", "--emotion", "sad", "--catalog", str(target)]) == 0
    said.append(capsys.readouterr())
    assert "red" in said[-1].out
    assert main(["play", "--emotion", "sad", "--catalog", str(target), "--json"]) == 0
    said.append(capsys.readouterr())
    assert json.loads(said[-1].out)["tracks"][0]["artists"][-1] == "y"
    path.write_text(f"{STEERING},title\n1,2\n")
    for command in (
        ["import", str(path)],
        ["play", "--emotion", STEERING],
        ["play", "--emotion", "sad", "--catalog", str(path)],
        ["play", "--emotion", "sad", "--catalog", STEERING],
    ):
        assert main(command) == 2
        said.append(capsys.readouterr())
        assert said[-1].err.count("\n") == 1
    for output in said:
        assert _harmless(output.out)
        assert _harmless(output.err)


def test_import_writes_where_the_environment_says(
    row: Row, write_csv: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "there.duckdb"
    monkeypatch.setenv(ENVIRONMENT, str(target))
    assert main(["import", str(write_csv([row(1)]))]) == 0
    assert target.is_file()


def test_importing_a_missing_table_prints_one_line_and_exits_2(
    capsys: Capture, tmp_path: Path
) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("dear diary")
    assert main(["import", str(path), "--catalog", str(tmp_path / "c.duckdb")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "lacks the columns id, title, artists, valence, energy" in error


def test_a_reader_that_stops_early_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m recommender play --emotion sad -n 200 | head -1",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "From sad to bright and easy\n"
    assert done.stderr == ""


def test_the_library_is_light_and_quick_to_import() -> None:
    code = (
        "import sys, time; start = time.perf_counter(); import recommender; "
        "heavy = {'streamlit', 'tensorflow', 'keras', 'pandas', 'cv2', 'pyarrow', 'emotion'}; "
        "print(sorted(heavy & set(sys.modules)), time.perf_counter() - start < 5)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "[] True"

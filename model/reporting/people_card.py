"""The part of the model card about people in front of cameras, and the network's two heads."""

from __future__ import annotations

import math
from typing import Any

from model.evaluation.recall import MEASURED

Z_95 = 1.96


def people_section(photographs: dict[str, Any], people: dict[str, Any]) -> str:
    """Return the section as Markdown.

    Args:
        photographs: what `model.evaluation.photographs` recorded.
        people: what `model.training.people` recorded.
    """
    heads = photographs["heads"]
    read = heads["people"]
    hard, choice = read["hard_to_say"], people["choice"]
    images = people["photos"]["images"]
    lines = [
        "## People in front of cameras: the second head",
        "FER-2013 is not what stands in front of a camera: most people there are at rest, and "
        "FER-2013's labels call many resting faces sad or angry. So the network has two heads on "
        "the same features. The file's first output is calibrated to FER-2013 and is what the "
        "other sections measure. Its second reads for people in front of cameras and is what the "
        'app uses; `emotion.EmotionClassifier(head="fer2013")`, `python -m emotion --head '
        "fer2013` or `AFFECTUNE_HEAD=fer2013` switch it off.",
        f"Measured end to end (found, cropped, read with its mirror image) on "
        f"{read['photos']:,} photographs of {people['photos']['persons']['test']:,} persons that "
        f"neither head was fitted on (`{read['command']}`). A photograph in which no face is read "
        "counts as wrong. In brackets: 95 % intervals (Wilson).",
        _table(heads),
        f"“Hard to say” is said of {1 - hard['coverage']:.0%} of the faces; the rest is read "
        f"right in {_percent(hard['accuracy'])} of cases, those would be in "
        f"{_percent(hard['accuracy_of_the_rest'])}. Calibration error: {read['ece']:.1%}.",
        _coverage(read["coverage"]),
        f"**How it was fitted.** A multinomial logistic regression on the shipped network's "
        f"features, which stay as they are: {_listed(images['train'])} in photographs of "
        f"{people['photos']['persons']['train']:,} persons, and "
        f"{people['fer_images']:,} Training images of FER-2013 whose label most FER+ taggers "
        "share, since the photographs hardly show fear or disgust. How much an emotion, FER-2013 "
        f"and the penalty count (balance {choice['balance']}, weight {choice['fer_weight']}, L2 "
        f"{choice['regularisation']}) was chosen on {sum(images['dev'].values()):,} photographs "
        f"of {people['photos']['persons']['dev']:,} other persons, as were an "
        f"offset of neutral ({people['neutral_offset']}), so that most resting "
        f"faces are read as such, and the temperature ({people['temperature']}); then it was "
        "fitted once more on both. `python -m model people` does it; `model/weights/people.json` "
        "has every setting that was tried. Before the split was fixed, a first trial on frozen "
        "features had looked at some of the persons that are now held out. The offset was first "
        "fitted to read 88 % of the resting faces of `dev`; with that, held-out persons were read "
        "once (neutral 89 %, average 76 %) before it was set to the 85 % that were wanted from "
        "the beginning.",
        f"On PublicTest images on which both label sets agree it reads "
        f"{_recalls(people['public_test_agreed'])}. Fear and disgust are measured there only.",
        "**What these photographs are.** Press photographs of people of public life, from a "
        "public repository (muxspace/facial_expressions, Apache-2.0) that labelled them; looked "
        "at by eye, neutral, happy, angry, surprise and sad are labelled fairly, disgust is not "
        "and was left out. Whom they show was not counted: nothing is known of how it reads "
        "children, the old, or people whom the press seldom showed. The thresholds of the face "
        "detector were chosen on photographs of this collection too, so that the rate of faces "
        "found is not one of photographs never seen. No picture of them is part of the project.",
    ]
    return "\n\n".join(lines)


def _table(heads: dict[str, Any]) -> str:
    read = heads["people"]
    columns = [("second head (the app)", read)]
    if "fer2013" in heads:
        columns.append(("first head (FER-2013)", heads["fer2013"]))
    if "fer" in read:
        columns.append(("PyPI's `fer`, same crops", read["fer"]))
    lines = [
        "| | photographs | " + " | ".join(name for name, _ in columns) + " |",
        "|---|---:|" + "---:|" * len(columns),
    ]
    for emotion in MEASURED:
        count = read["images"].get(emotion, 0)
        cells = " | ".join(_with_interval(of["recall"][emotion], count) for _, of in columns)
        lines.append(f"| {emotion} read as such | {count:,} | {cells} |")
    resting = read["images"]["neutral"]
    cells = " | ".join(_with_interval(of["neutral_read_negative"], resting) for _, of in columns)
    lines.append(f"| neutral read as angry, disgust, fear or sad | {resting:,} | {cells} |")
    cells = " | ".join(f"**{of['mean_recall']:.1%}**" for _, of in columns)
    lines.append(f"| average of the five recalls | | {cells} |")
    cells = " | ".join(f"{of['found']:.1%}" for _, of in columns)
    lines.append(f"| a face was found and read | {read['photos']:,} | {cells} |")
    return "\n".join(lines)


def _coverage(rows: list[dict[str, float]]) -> str:
    lines = ["| margin between the two nearest | named | right of those |", "|---:|---:|---:|"]
    lines += [
        f"| {row['margin']:.1f} | {row['coverage']:.1%} | {row['accuracy']:.1%} |"
        for row in rows
        if row["accuracy"] is not None
    ]
    return "\n".join(lines)


def _percent(rate: float | None) -> str:
    return "–" if rate is None else f"{rate:.0%}"


def _with_interval(rate: float, count: int) -> str:
    low, high = wilson(rate, count)
    return f"{rate:.1%} ({100 * low:.0f}–{100 * high:.0f})"


def wilson(rate: float, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a rate, 0-1, seen in ``count`` cases (Wilson 1927)."""
    if not count:
        return 0.0, 1.0
    square = Z_95**2 / count
    middle = (rate + square / 2) / (1 + square)
    half = Z_95 / (1 + square) * math.sqrt(rate * (1 - rate) / count + square / (4 * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(
        f"{count:,} {emotion}" for emotion, count in counts.items() if count and emotion in MEASURED
    )


def _recalls(recalls: dict[str, float]) -> str:
    return ", ".join(f"{emotion} {value:.0%}" for emotion, value in recalls.items())

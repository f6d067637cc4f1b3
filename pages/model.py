"""Model: how well the network reads faces, question by question."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from emotion.labels import EMOTIONS
from model import records
from ui import wording
from ui.model import charts, figures
from ui.model.figures import in_ten, percent
from ui.navigation import require_router
from ui.photo.corruptions import corruption_demo
from ui.photo.picture import picture

require_router("model")

SPLITS = {"private-test": "PrivateTest", "public-test": "PublicTest"}


def as_table(rows: list[dict[str, Any]], alt: str) -> None:
    """Offer a chart's figures as a table, also for screen readers."""
    with st.expander("As a table", type="compact"):
        st.table(pd.DataFrame(rows), hide_index=True, border="horizontal", alt=alt)


def unreadable(what: str) -> None:
    st.info(f"{what} can’t be shown right now: the file can’t be read.", icon=":material/info:")


measured, metrics_broken = figures.read("metrics.json", records.MetricsRecord, figures.measured)
robustness, robustness_broken = figures.read(
    "robustness.json", records.RobustnessRecord, figures.robustness
)
baselines, baselines_broken = figures.read(
    "baselines.json", records.BaselinesRecord, figures.baselines
)
people, people_broken = figures.read(
    "photographs.json", records.PhotographsRecord, figures.photographs
)

body = st.container(horizontal_alignment="center").container(width=900)

with body:
    st.title("How well does it read faces?", anchor=False)

    if measured is None:
        if metrics_broken:
            unreadable("The network's figures")
        else:
            st.markdown("Nothing has been measured yet.")
    else:
        figure = measured.figures[0]
        repeats = figure.images - figure.clean_images
        split = SPLITS.get(figure.split, figure.split)
        lead = (
            f"On photos it was not trained on, it agrees with people **{in_ten(figure.accuracy)}**."
        )
        if figure.unsure:
            lead += (
                f" {wording.capitalize_first(in_ten(figure.unsure['fraction']))} it says “hard to "
                f"say” and names two moods; one of them is right "
                f"{in_ten(figure.unsure['either_of_two_when_unsure'])}."
            )
        st.markdown(f"{lead} It learned from FER-2013, a set of small grey photos from the web.")
        if figures.is_shipped(measured.sha256, measured.file) is False:
            st.info(
                "These figures are for an earlier network. The current one hasn’t been measured "
                "yet.",
                icon=":material/info:",
            )

        if people_broken:
            unreadable("The figures on photographs of people")
        if people is not None:
            st.header("What about people on camera?")
            resting, negative = people.app.recall["neutral"], people.app.neutral_read_negative
            sentence = (
                f"Most people look into a camera with a resting face. On {people.photos:,} "
                f"photographs of people it had never seen, it reads "
                f"{percent(resting, 0)} of the resting faces as neutral, and "
                f"{percent(negative, 0)} as angry, disgusted, afraid or sad."
            )
            for name, reader in people.others.items():
                sentence += (
                    f" For {name}, it is {percent(reader.recall['neutral'], 0)} and "
                    f"{percent(reader.neutral_read_negative, 0)}."
                )
            st.markdown(
                f"{sentence} That is why the network has two outputs. One follows the labels of "
                "FER-2013; the figures below measure that one. The other also learned from "
                "photographs of people, and is the one this app uses."
            )
            columns = {"this app": people.app, **people.others}
            as_table(
                [
                    {
                        "Emotion": figures.named(emotion),
                        "Photographs": f"{people.counts[emotion]:,}",
                        **{
                            name: percent(reader.recall[emotion], 0)
                            for name, reader in columns.items()
                        },
                    }
                    for emotion in people.app.recall
                    if people.counts[emotion] >= figures.MIN_PHOTOGRAPHS
                ],
                "Photographs read correctly, by emotion and reader",
            )

        st.header("How often is it right?")
        sentence = (
            f"{percent(figure.accuracy)} of {figure.images:,} test photos, give or take "
            f"{figures.margin(figure.accuracy, figure.images) * 100:.1f} points."
        )
        if repeats:
            sentence += (
                f" {repeats} of them are also in the published training set. The network was "
                f"trained without those; on the photos that occur only here it is right "
                f"{percent(figure.clean_accuracy)} of the time."
            )
        sentence += (
            f" People who are asked what these faces show give the same label "
            f"{figures.HUMAN_ACCURACY * 100:.0f}\u00a0±\u00a0"
            f"{figures.HUMAN_ACCURACY_MARGIN * 100:.0f}\u00a0% of the time."
        )
        st.markdown(sentence)
        st.altair_chart(
            charts.accuracy_chart(figure),
            alt=f"Right answers: chance, people and the network. {sentence}",
        )
        if figure.ferplus:
            again = figure.ferplus
            text = (
                f"Ten more people labelled the same photos (FER+). The network agrees with most of "
                f"them on {percent(again['agreement'], 0)} of the photos, FER-2013’s own labels on "
                f"{percent(again['labels_agreement'], 0)}. Where label and people agree, on "
                f"{again['agreed_images']:,} photos, the network is right "
                f"{percent(again['agreed_accuracy'], 0)} of the time"
            )
            if again["agreed_accuracy"] > figure.accuracy + 0.05:
                text += ": many of its misses are faces that people disagree about"
            st.markdown(f"{text}.")
        as_table(
            [
                {
                    "Test": f"{SPLITS.get(one.split, one.split)}, "
                    f"{'face and mirror image' if one.tta else 'face only'}",
                    "Right": percent(one.accuracy),
                    "On photos that occur once": percent(one.clean_accuracy),
                    "Photos": f"{one.images:,}",
                }
                for one in measured.figures
            ],
            "Accuracy on each test, all photos, and those that occur only there",
        )

        st.header("Which moods does it miss?")
        ranked = sorted(EMOTIONS, key=lambda emotion: -figure.recall[emotion])
        best, worst = ranked[0], ranked[-1]
        st.markdown(
            f"It finds {figure.recall[best] * 100:.0f} of 100 {wording.FEELINGS[best].word} faces, "
            f"but only {figure.recall[worst] * 100:.0f} of 100 {wording.FEELINGS[worst].word} ones."
        )
        st.altair_chart(
            charts.recall_chart(figure),
            alt="Faces found of 100: "
            + ", ".join(
                f"{wording.FEELINGS[emotion].word} {figure.recall[emotion] * 100:.0f}"
                for emotion in ranked
            ),
        )
        as_table(
            [
                {
                    "Emotion": figures.named(emotion),
                    "Found": percent(figure.recall[emotion], 0),
                    "Right when named": percent(figure.precision[emotion], 0),
                    "Photos": f"{figure.counts[emotion]:,}",
                }
                for emotion in ranked
            ],
            "For each emotion: how many are found, how often the name is right, how many photos",
        )

        st.header("What does it mix up?")
        true, said = figures.mistaken(figure)
        reading_aid = (
            f"Of 100 faces that people called {wording.FEELINGS[true].word}, it calls "
            f"{figures.confusion_rate(figure, true, true) * 100:.0f} "
            f"{wording.FEELINGS[true].word} and "
            f"{figures.confusion_rate(figure, true, said) * 100:.0f} {wording.FEELINGS[said].word}."
        )
        st.markdown(f"Read along a row. {reading_aid}")
        st.altair_chart(
            charts.confusion_chart(figure),
            alt=f"What each emotion is mistaken for, of 100 faces. {reading_aid}",
        )
        as_table(
            [
                {
                    "People say": figures.named(one),
                    **{
                        wording.FEELINGS[
                            other
                        ].word: f"{figures.confusion_rate(figure, one, other):.0%}"
                        for other in EMOTIONS
                    },
                }
                for one in EMOTIONS
            ],
            "What each emotion (row) is mistaken for (column)",
        )

        if figure.reliability:
            st.header("Does it know when it’s unsure?")
            gap = figures.overconfidence(figure)
            if abs(gap) < 0.02:
                row = min(figure.reliability, key=lambda row: abs(row["confidence"] - 0.7))
                sentence = (
                    f"Yes: when it says {percent(row['confidence'], 0)}, it is right "
                    f"{percent(row['accuracy'], 0)} of the time."
                )
            elif gap > 0:
                sentence = f"Not quite: on average it is {gap * 100:.0f} points too sure of itself."
            else:
                sentence = (
                    f"It is too modest: on average it is right {-gap * 100:.0f} points more often "
                    "than it says."
                )
            st.markdown(
                f"{sentence} On the dashed line, how sure it is and how often it is right would be "
                "the same. Bigger dots stand for more photos."
            )
            st.altair_chart(
                charts.reliability_chart(figure),
                alt=f"How often it is right against how sure it says it is. {sentence}",
            )
            as_table(
                [
                    {
                        "Says it is sure": percent(row["confidence"], 0),
                        "Is right": percent(row["accuracy"], 0),
                        "Photos": f"{row['images']:,.0f}",
                    }
                    for row in figure.reliability
                ],
                "How sure it says it is, how often it is right, and on how many photos",
            )

    if robustness_broken:
        unreadable("The figures on harder pictures")
    elif robustness and robustness.corruptions:
        st.header("When does it fail?")
        hardest, easiest = robustness.corruptions[0], robustness.corruptions[-1]
        most, least = (wording.escape_markdown(one.name) for one in (hardest, easiest))
        st.markdown(
            f"The hardest is *{most}*: at its worst, {percent(hardest.worst, 0)} of the answers "
            f"are right instead of {percent(hardest.best, 0)}."
            + (f" The easiest is *{least}*." if easiest is not hardest else "")
        )
        corruptions = robustness.corruptions
        place = st.pills(
            "What makes the picture worse?",
            range(len(corruptions)),
            format_func=lambda place: f":gray[{wording.escape_markdown(corruptions[place].name)}]",
            default=0,
            required=True,
            key="change",
            wrap=True,
        )
        corruption = corruptions[place or 0]
        st.markdown(wording.escape_markdown(corruption.explanation))
        st.altair_chart(
            charts.corruption_chart(corruption),
            alt=f"Right answers as pictures get worse ({corruption.name}): from "
            f"{corruption.best:.0%} down to {corruption.worst:.0%}",
        )
        as_table(
            [
                {
                    wording.escape_markdown(corruption.scale): f"{severity:g}",
                    "Affectune": percent(accuracy),
                    **({} if fer is None else {"fer": percent(fer)}),
                }
                for severity, accuracy, fer in corruption.points
            ],
            f"Right answers for each step of: {corruption.name}",
        )
        note = f"{robustness.images:,} photos of {SPLITS.get(robustness.split, robustness.split)}."
        if any(fer is not None for *_, fer in corruption.points):
            note += " The dashed line is fer, a widely used package."
        if measured and robustness.sha256 != measured.sha256:
            note += " Measured with an earlier network."
        st.caption(note)

    if baselines_broken:
        unreadable("The baselines")
    elif baselines:
        st.header("Is the network worth it?")
        top = baselines.rows[0]
        st.markdown(
            f"We gave the same {baselines.images:,} photos of "
            f"{SPLITS.get(baselines.split, baselines.split)} to other methods. Higher is better, "
            f"and further left is faster. The best, {wording.escape_markdown(top.name)}, is right "
            f"{percent(top.accuracy)} of the time in {top.milliseconds:.2g} milliseconds."
        )
        st.altair_chart(
            charts.baseline_chart(baselines),
            alt="Right answers against milliseconds for one face: "
            + ", ".join(
                f"{row.name} {row.accuracy:.0%} in {row.milliseconds:.2g} ms"
                for row in baselines.rows
            ),
        )
        as_table(
            [
                {
                    "What": row.name,
                    "Right": percent(row.accuracy),
                    "ms": f"{row.milliseconds:.2g}",
                    "Note": row.note,
                }
                for row in baselines.rows
            ],
            "Accuracy, time for one face and a note for each baseline",
        )
        if figures.MODES.is_file():
            picture(
                np.asarray(Image.open(figures.MODES).convert("RGB")),
                alt="The mean face and its first four modes of variation, in lines and as a grey "
                "face: turning, nodding, opening the mouth, smiling, light from one side.",
            )
            st.caption(
                "What shape and appearance models, which came before neural networks, learned "
                "about faces: the mean face, and 2.5 standard deviations to either side of it "
                "along the first four modes of variation. Each face is an average; none belongs "
                "to a person."
            )

    st.header("Can you break it?")
    corruption_demo()

    st.header("What is it not for?")
    st.markdown(
        "It reads faces, not feelings. A smile can be polite, and a calm face doesn’t tell you "
        "much.\n\n"
        "- **Not for judging people**: not to grade, hire, monitor or diagnose anyone, and not to "
        "detect lies. It’s wrong too often, and nobody has measured who it’s wrong about most.\n"
        "- **Not at work or school**: inferring emotions there is prohibited in the European "
        "Union, except for medical or safety reasons (AI Act, article 5(1)(f)).\n"
        "- **Not to sell**: FER-2013, which it learned from, is for research."
    )

    with st.container(horizontal=True):
        st.page_link(
            "pages/notebook.py", label="Read how it was trained", icon=":material/menu_book:"
        )
        if figures.CARD.is_file():
            st.download_button(
                "Model card",
                figures.CARD.read_bytes(),
                file_name=figures.CARD.name,
                mime="text/markdown",
                on_click="ignore",
                icon=":material/download:",
            )
    if measured:
        commands = [one.command for one in measured.figures]
        commands += [one.command for one in (robustness, baselines) if one]
        with st.expander("How was this measured?", type="compact"):
            st.markdown(
                f"The network is `{measured.file}`, {measured.bytes / 1e6:.1f} MB, SHA-256 "
                f"`{measured.sha256[:12]}…`. The figures above are of {split}"
                f"{', each face read together with its mirror image' if figure.tta else ''}; "
                "± is the 95 % interval."
                + (
                    f" Its confidence was calibrated on PublicTest (temperature "
                    f"{measured.temperature:.2f})."
                    if measured.temperature is not None
                    else ""
                )
            )
            # No highlighting: Streamlit's colour for options is too pale in the light theme.
            st.code("\n".join(filter(None, commands)), language=None, wrap_lines=True)

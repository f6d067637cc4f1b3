"""Which module of the library imports which: one direction in the ranking, no evaluation."""

from tests.import_graph import graph

LAYERS = ("weights", "candidates", "scoring", "selection", "reasons", "explanation", "ranking")
"""The modules of the ranking, each of which may use those before it."""


def test_the_ranking_has_one_direction() -> None:
    found = graph("recommender")
    for place, layer in enumerate(LAYERS):
        used = found[f"recommender.ranking.{layer}"]
        later = {f"recommender.ranking.{name}" for name in LAYERS[place:]}
        assert not used & (later | {"recommender.recommender", "recommender.session"}), layer


def test_the_app_loads_nothing_of_the_evaluation() -> None:
    users = {
        name
        for name, used in graph("recommender").items()
        if any(module.startswith("recommender.evaluation") for module in used)
    }
    # The second is a script, which the app does not load either.
    assert {name for name in users if ".evaluation" not in name} == {
        "recommender.__main__",
        "recommender.data.select_starter",
    }

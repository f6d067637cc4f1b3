"""Which module of the library imports which."""

from tests.import_graph import graph

GRAPH = graph("emotion")


def test_import_graph_of_the_library() -> None:
    assert "emotion.detectors.haar" in GRAPH["emotion.detectors.factory"]
    assert "emotion.clips.run" in GRAPH["emotion.__main__"]  # imported within a function


def test_detectors_know_nothing_of_their_factory() -> None:
    users = {name for name, imported in GRAPH.items() if "emotion.detectors.factory" in imported}
    assert users == {
        *("emotion", "emotion.__main__", "emotion.recognizer"),
        *("emotion.clips.reader", "emotion.clips.reading"),
    }

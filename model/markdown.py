"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown_table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, text_columns: Sequence[int] = (0,)
) -> str:
    """Return a table as Markdown.

    Args:
        head: the columns' titles.
        rows: a cell for each column.
        text_columns: positions of the columns that are aligned to the left; the others hold
            numbers and are aligned to the right.

    Raises:
        ValueError: a row has another number of cells than the head.
    """
    lines = [list(head), ["---" if place in text_columns else "---:" for place in range(len(head))]]
    for row in rows:
        if len(row) != len(head):
            raise ValueError(
                f"Incorrect value for 'rows' argument: {list(row)}: {len(head)} cells are needed"
            )
        lines.append(list(row))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)

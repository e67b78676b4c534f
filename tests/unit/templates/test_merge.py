"""Merging shapes loses nothing: each comes back exactly."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runner.templates.merge import MAX_ALIGNED, Merged, merge
from runner.templates.shapes import Slot, Slotted

pieces = st.one_of(
    st.sampled_from(["<p>", "</p>", "a\nb", "text", "<", ""]),
    st.builds(Slot, st.integers(0, 3), st.sampled_from(["text", "plain"])),
)
parts = st.lists(pieces, max_size=8).map(tuple)


def again(merged: Merged, shape: int) -> Slotted:
    """A shape from its merged form, texts joined."""
    found: list[str | Slot] = []
    for segment in merged.segments:
        found += [segment] if isinstance(segment, str) else merged.pieces[shape][segment]
    return normal(tuple(found))


def normal(part: Slotted) -> Slotted:
    joined: list[str | Slot] = []
    for piece in part:
        if isinstance(piece, str) and joined and isinstance(joined[-1], str):
            joined[-1] += piece
        elif piece:
            joined.append(piece)
    return tuple(joined)


@given(st.lists(parts, min_size=1, max_size=5))
def test_every_shape_comes_back(shapes: list[Slotted]) -> None:
    merged = merge(shapes, [[7, 7, 8, 9]] * len(shapes))
    for number, shape in enumerate(shapes):
        assert again(merged, number) == normal(shape)


def test_what_is_shared_is_text() -> None:
    merged = merge([("<p>a</p><b>x</b>", "<i>"), ("<p>a</p><b>y</b>", "<i>")], [[], []])
    assert merged.segments == ("<p>a</p><b>", 0, "</b><i>")
    assert [own[0] for own in merged.pieces] == [("x",), ("y",)]


def test_too_many_shapes_are_one_hole() -> None:
    shapes: list[Slotted] = [(f"<p>{number}</p>",) for number in range(MAX_ALIGNED + 1)]
    assert merge(shapes, [[]] * len(shapes)).segments == (0,)

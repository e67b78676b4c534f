"""The shape of a message: all its text, with slots where values go.

A shape is finished once (MJML, CSS, plain text) however many contacts share it.  That values can
be put in afterwards is not assumed but tried: with empty and with nasty values, putting them in
before and after finishing must give the same, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field

from markupsafe import escape

from ..dataclass import dataclass
from .atoms import ESCAPES, OPEN, TAG, Kind, clean, holds_atoms, pieces, replaced, unwrapped
from .document import Markup, finish
from .plain import to_text

NASTY = " \t<b class='x'>&amp;&#39;\"`=\u00a0é😀\u202e  \n{{ x }} </p> "
"""A value that would show any difference in escaping, collapsing or parsing."""

_REGIONS = re.compile(
    r"<!--.*?-->|<(style|script|xmp|iframe|noembed|noframes|plaintext)\b.*?</\1\s*>"
    r"|</?[a-zA-Z](?:[^>\"]|\"[^\"]*\")*>",
    re.DOTALL,
)
_KEEPING = re.compile(r"<(pre|textarea|listing)\b")
"""HTML drops a line break right after these, so what a value begins with would matter."""

_QUOTED = re.compile(r'"[^"]*"')


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a value: its number in the trace, and how it is written there."""

    number: int
    kind: Kind


Slotted = tuple[str | Slot, ...]


@dataclass(frozen=True, slots=True)
class Skeleton:
    """What a trace printed; ``holes`` says which hole each tag came from.

    ``whole`` is true when ``html`` is a single tag for HTML that is finished already.
    """

    subject: str
    preheader: str
    html: str
    text: str | None
    whole: bool
    holes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """A finished skeleton."""

    subject: Slotted
    preheader: Slotted
    html: Slotted
    text: Slotted
    holes: tuple[int, ...] = field(default=())

    def slots(self) -> Iterator[Slot]:
        """Every slot of every part."""
        for part in (self.subject, self.preheader, self.html, self.text):
            yield from (piece for piece in part if isinstance(piece, Slot))


def fill(slotted: Slotted, values: Sequence[str]) -> str:
    """A text with values put into its slots."""
    return "".join(
        piece if isinstance(piece, str) else ESCAPES[piece.kind](clean(values[piece.number]))
        for piece in slotted
    )


def shape_of(
    skeleton: Skeleton,
    kind: Markup,
    inject: bool,
    known: Callable[[Shape], bool] = lambda shape: False,
) -> Shape | None:
    """Finish a skeleton; None when values cannot be put in afterwards.

    ``inject``: put the preheader into the HTML.  ``known``: whether a shape was proven already.
    Raises DocumentError.
    """
    html = skeleton.html
    if html and not skeleton.whole:
        html = finish(html, kind, str(escape(skeleton.preheader)) if inject else "")
    slotted = plain_slots(html) if skeleton.whole else html_slots(html)
    text = skeleton.text if skeleton.text is not None else to_text(html)
    if slotted is None:
        return None
    shape = Shape(
        subject=plain_slots(skeleton.subject),
        preheader=plain_slots(skeleton.preheader),
        html=slotted,
        text=plain_slots(text),
        holes=skeleton.holes,
    )
    if skeleton.whole or not TAG.search(skeleton.html + skeleton.preheader) or known(shape):
        return shape
    probe = _Probe(skeleton, kind, inject)
    return shape if all(probe(shape, value) for value in ("", NASTY)) else None


def plain_slots(text: str) -> Slotted:
    """A text that is not HTML, split at its tags."""
    return tuple(Slot(p, "plain") if isinstance(p, int) else p for p in pieces(text))


def html_slots(html: str) -> Slotted | None:
    """Serialised HTML, split at its tags; None when one stands where no value can go."""
    parts: list[str | Slot] = []
    position = 0
    for region in _REGIONS.finditer(html):
        parts += _slots(html[position : region.start()], "text")
        markup = region.group()
        is_raw = markup.startswith("<!--") or region.group(1) is not None
        if not is_raw and holds_atoms(_QUOTED.sub("", markup)):
            return None
        if _KEEPING.match(markup) and html.startswith(OPEN, region.end()):
            return None
        parts += _slots(markup, "raw" if is_raw else "attribute")
        position = region.end()
    parts += _slots(html[position:], "text")
    return tuple(_joined(parts))


def _slots(text: str, kind: Kind) -> list[str | Slot]:
    if not holds_atoms(text):
        return [text]
    return [Slot(piece, kind) if isinstance(piece, int) else piece for piece in pieces(text)]


def _joined(parts: Sequence[str | Slot]) -> Iterator[str | Slot]:
    text: list[str] = []
    for part in parts:
        if isinstance(part, str):
            text.append(part)
            continue
        if text:
            yield "".join(text)
        text = []
        yield part
    if "".join(text):
        yield "".join(text)


@dataclass(frozen=True, slots=True)
class _Probe:
    """Compares putting a value in before finishing with putting it in afterwards."""

    skeleton: Skeleton
    kind: Markup
    inject: bool

    def __call__(self, shape: Shape, value: str) -> bool:
        count = len(self.skeleton.holes)
        values = [f"{value}{number}{value}" if value else "" for number in range(count)]
        early = finish(
            self._with(self.skeleton.html, values),
            self.kind,
            self._with(str(escape(self.skeleton.preheader)), values) if self.inject else "",
        )
        if unwrapped(early) != fill(shape.html, values):
            return False
        return self.skeleton.text is not None or self._same_text(early, shape, values)

    def _with(self, skeleton: str, values: Sequence[str]) -> str:
        return replaced(skeleton, [str(escape(clean(value))) for value in values])

    def _same_text(self, early: str, shape: Shape, values: Sequence[str]) -> bool:
        return unwrapped(to_text(early)) == fill(shape.text, values)

"""The forms that a step's messages had so far, merged part by part."""

from __future__ import annotations

from ..model.message import Segments
from .forms import Filler, Form, filler
from .merge import Merging
from .shapes import Slotted

MAX_FORMS = 256
"""Forms that are merged with each other; then merging begins anew."""

_PARTS = ("subject", "html", "text")


class Gathering:
    """Forms by number."""

    def __init__(self) -> None:
        self._numbers: dict[Form, int] = {}
        self._merging = {part: Merging() for part in _PARTS}
        self._fillers: dict[tuple[str, int], list[Filler]] = {}

    def number(self, form: Form) -> int:
        """A form's number; it is merged with the others when it is new."""
        known = self._numbers.get(form)
        if known is None:
            known = self._numbers[form] = len(self._numbers)
            for part, merging in self._merging.items():
                merging.add(_part(form, part), form.holes)
            self._fillers.clear()
        return known

    def __len__(self) -> int:
        return len(self._numbers)

    def segments(self, part: str) -> Segments:
        """The text that all forms share, with holes."""
        return self._merging[part].merged.segments

    def fillers(self, part: str, hole: int) -> list[Filler]:
        """What stands in a hole, form by form."""
        key = (part, hole)
        if key not in self._fillers:
            pieces = self._merging[part].merged.pieces
            self._fillers[key] = [filler(own[hole]) for own in pieces]
        return self._fillers[key]


def _part(form: Form, part: str) -> Slotted:
    return {"subject": form.subject, "html": form.html, "text": form.text}[part]

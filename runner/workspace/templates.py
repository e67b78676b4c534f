"""Templates as they stand in their files: front matter here, Jinja2 left to the templates room."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Literal

from ..dataclass import dataclass
from ..model.campaign import Place
from ..model.template import TemplateFile
from ..ports import Files
from .contents import images
from .document import Document, Node, read
from .policies import ignores
from .problems import Problems
from .schemas import check
from .section import Section

_FRONT = re.compile(r"---[ \t]*\r?\n(?P<yaml>(?:.*\n)*?)---[ \t]*(?:\r?\n|\Z)")
_OPENING = re.compile(r"---[ \t]*\r?(\n|\Z)")


@dataclass(frozen=True, slots=True)
class Source:
    """A template file cut in two: ``front`` is None when it has no front matter."""

    path: str
    front: str | None
    body: str
    body_line: int

    @property
    def padded(self) -> str:
        """The body on the lines on which it stands in the file."""
        return "\n" * (self.body_line - 1) + self.body


def cut(text: str, path: str, problems: Problems) -> Source:
    """Separate front matter and body."""
    found = _FRONT.match(text)
    if found:
        line = found.group().count("\n") + 1
        return Source(path, found.group("yaml"), text[found.end() :], line)
    if _OPENING.match(text):
        message = "the front matter is not closed"
        problems.add(Place(path, 1, 1), message, "end it with a line ---", "yaml")
    elif _OPENING.match(text.lstrip()):
        line = text[: len(text) - len(text.lstrip())].count("\n") + 1
        message = "front matter must begin in the first line"
        problems.add(Place(path, line, 1), message, "delete what stands above ---", "yaml")
    return Source(path, None, text, 1)


def read_template(
    source: Source, name: str, text: str | None, files: Files, problems: Problems
) -> TemplateFile | None:
    """One template, or None when it is not whole.  ``text``: NAME.txt beside it."""
    before = problems.errors
    section = _front(source, problems)
    pictures = images(section, files)
    if not source.body.strip():
        problems.add(Place(source.path, source.body_line, 1), "the template is empty")
    if problems.errors > before:
        return None
    kind: Literal["html", "mjml"]
    kind = "mjml" if PurePosixPath(source.path).suffix == ".mjml" else "html"
    return TemplateFile(
        name=name,
        kind=kind,
        body=source.body,
        body_line=source.body_line,
        subject=section.get("subject", ""),
        preheader=section.get("preheader", ""),
        variables=section.get("variables", {}),
        requires=tuple(section.get("requires", ())),
        text=text,
        attachments=pictures,
        ignores=ignores(section),
        place=Place(source.path, 1, 1),
    )


def _front(source: Source, problems: Problems) -> Section:
    """The front matter; an empty mapping when there is none or it cannot be read."""
    document = read(source.front or "", source.path, problems, first_line=2)
    if document.root.bad or document.root.data is None:
        document = Document(source.path, Node({}, 2, 1))
    check(document, "template", problems)
    return Section.of(document, problems)

"""The ``source`` of a list → where its contacts come from."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from ..model.contacts import FileSource, InlineSource, Source
from ..model.settings import Secret
from ..model.sources import (
    MINUTE,
    AgeSource,
    Form,
    Format,
    HttpSource,
    ObjectSource,
    SendgridSource,
)
from . import policies
from .files import WorkspaceFiles
from .paths import within
from .section import Section
from .sqlsource import sql_source

_ENDINGS: Mapping[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_LOOPBACK = re.compile(r"http://(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]*)?([/?#]|$)")
_IS_SECRET = re.compile(r"(?i)key|secret|token|passw|credential")


def source(section: Section, files: WorkspaceFiles) -> Source | None:
    """What ``source`` says; None when it is not whole."""
    if section.get("type") == "sql":
        return sql_source(section, files)
    read = _READERS.get(section.get("type", ""))
    return read(section) if read is not None else None


def secret(written: str) -> str | Secret:
    """``env:NAME`` as the secret of that name, everything else as it stands."""
    return Secret(written.removeprefix("env:")) if written.startswith("env:") else written


def _file(section: Section) -> Source | None:
    path = _path(section)
    if path is None:
        return None
    compressed = path.lower().endswith(".gz")
    if section.get("type") == "jsonl":
        return FileSource(path, "jsonl", compressed)
    encoding = section.get("encoding", "utf-8")
    _check_encoding(section, encoding)
    return FileSource(path, section.get("type"), compressed, encoding, section.get("delimiter", ""))


def _parquet(section: Section) -> Source | None:
    path = _path(section)
    return FileSource(path, "parquet") if path is not None else None


def _path(section: Section) -> str | None:
    written = section.get("path")
    if written is None:
        return None
    try:
        return within(str(PurePosixPath(section.path).parent), written)
    except ValueError as error:
        section.complain("path", str(error), code="path")
        return None


def _check_encoding(section: Section, encoding: str) -> None:
    try:
        info = codecs.lookup(encoding)
        is_text = getattr(info, "_is_text_encoding", True)
    except LookupError:
        is_text = False
    if not is_text:
        hint = "for example utf-8, cp1252 or latin-1"
        section.complain("encoding", "`encoding` is unknown", hint)


def _inline(section: Section) -> Source | None:
    contacts = section.sections("contacts")
    return InlineSource(
        tuple(
            {name: _text(contact.get(name)) for name in contact.node.entries}
            for contact in contacts
        ),
        tuple(contact.node.line for contact in contacts),
    )


def _text(value: Any) -> str:
    """A field's value as text, as a CSV file would hold it."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _form(section: Section, name: str) -> Form:
    """How a list is written, from what is said and from the end of its ``name``."""
    bare = name.lower()
    compressed = bare.endswith(".gz")
    bare = bare.removesuffix(".gz")
    by_name = next((f for ending, f in _ENDINGS.items() if bare.endswith(ending)), "csv")
    encoding = section.get("encoding", "utf-8")
    _check_encoding(section, encoding)
    form = section.get("format", by_name)
    return Form(form, compressed, encoding, section.get("delimiter", ""))


def _http(section: Section) -> Source | None:
    written = section.get("url")
    if written is None:
        return None
    if written.startswith("http://") and not _LOOPBACK.match(written):
        section.complain("url", "the contacts would be sent unencrypted", "write https://")
    headers = {name: Secret(v.removeprefix("env:")) for name, v in _pairs(section, "headers")}
    return HttpSource(
        url=secret(written),
        form=_form(section, re.split(r"[?#]", written)[0]),
        headers=headers,
        allow_private=section.get("allow_private", False),
        timeout=policies.positive(section, "timeout", MINUTE),
        max_bytes=section.get("max_megabytes", 1000) * 1_000_000,
    )


def _object(section: Section) -> Source | None:
    written = section.get("url")
    if written is None:
        return None
    protocol = written.partition(":")[0]
    if protocol in ("file", "local") or protocol.startswith("http"):
        hint = "use type: http" if protocol.startswith("http") else "use type: csv with a path"
        section.complain("url", f"{protocol}:// is no object storage", hint)
    options = dict(_pairs(section, "options"))
    for name, value in options.items():
        plain = not isinstance(value, str) or not value.startswith("env:")
        if _IS_SECRET.search(name) and plain and value not in ("", True, False):
            message = f"`{name}` looks like a secret, which never stands in a file"
            section.section("options").complain(name, message, f"write {name}: env:NAME")
    return ObjectSource(
        url=written,
        form=_form(section, written),
        options={n: secret(v) if isinstance(v, str) else v for n, v in options.items()},
        timeout=policies.positive(section, "timeout", MINUTE),
        max_bytes=section.get("max_megabytes", 1000) * 1_000_000,
    )


def _pairs(section: Section, name: str) -> list[tuple[str, Any]]:
    part = section.section(name)
    return [(key, part.get(key)) for key in part.node.entries if part.get(key) is not None]


def _sendgrid(section: Section) -> Source | None:
    named, segment = section.get("list"), section.get("segment")
    if (named is None) == (segment is None):
        message = "give `list` or `segment`, one of the two"
        section.problems.add(section.here, message, "for example list: Newsletter")
        return None
    timeout = policies.positive(section, "timeout", 30 * MINUTE)
    if named is not None:
        return SendgridSource("list", named, timeout)
    return SendgridSource("segment", segment, timeout)


def _age(section: Section) -> Source | None:
    path, identity = _path(section), section.get("identity")
    if path is None or identity is None:
        return None
    form = _form(section, path.lower().removesuffix(".age"))
    return AgeSource(path, Secret(identity.removeprefix("env:")), form)


_READERS = {
    "csv": _file,
    "tsv": _file,
    "jsonl": _file,
    "parquet": _parquet,
    "inline": _inline,
    "http": _http,
    "object": _object,
    "sendgrid": _sendgrid,
    "age": _age,
}

"""Lists that are encrypted with age, as files of the repository."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ...model.sources import AgeSource
from .fetching import Fetched, FetchError, Reach

_BLOCK = 1 << 20


class AgeFetcher:
    """See ``fetching.Fetcher``.  The file's digest tells whether it is another one."""

    def __init__(self, source: AgeSource, reach: Reach) -> None:
        self._source = source
        self._path = reach.files.locate(source.path)
        self._identity = _identity(reach.value(source.identity), source.identity.env)

    def fetch(self, sink: BinaryIO, known: Mapping[str, str]) -> Fetched | None:
        """The file, decrypted."""
        if self._path is None:
            raise FetchError(f"the file {self._source.path} does not exist")
        digest = _digest(self._path)
        if known.get("sha256") == digest:
            return None
        age = _age()
        try:
            with self._path.open("rb") as stream:
                age.decrypt_io(stream, sink, [self._identity])
        except (age.DecryptError, age.IdentityError):
            hint = (
                f"is {self._source.identity.env} the key it was encrypted for, and the file whole?"
            )
            raise FetchError("it cannot be decrypted", hint) from None
        except OSError:
            raise FetchError("the file is cut off, or cannot be read") from None
        return Fetched(self._source.form, validators={"sha256": digest})


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _age() -> Any:
    try:
        import pyrage  # noqa: PLC0415 - an extra
    except ImportError:
        message = "it takes a package that is not installed"
        raise FetchError(message, 'pip install "sendoff[age]"') from None
    return pyrage


def _identity(text: str, variable: str) -> Any:
    """The secret key; nothing of it is ever repeated."""
    age = _age()
    try:
        return age.x25519.Identity.from_str(text.strip())
    except age.IdentityError:
        hint = "it begins with AGE-SECRET-KEY-1 (age-keygen makes one)"
        raise FetchError(f"{variable} holds no secret key of age's", hint) from None

"""Lists in object storage, through whatever fsspec can reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, BinaryIO

from ...model.settings import Secret
from ...model.sources import ObjectSource
from .fetching import Fetched, FetchError, Reach
from .wire import Patience

_BLOCK = 1 << 20
_GZIP = b"\x1f\x8b"
_LOCAL = frozenset({"file", "local", "dir", "http", "https", "ftp", "sftp", "ssh", "smb"})
"""What is no object storage, or reached in another way: files, and servers that a list must not be
able to name without the checks of ``web``."""
_TAGS = ("ETag", "etag", "md5Hash", "content_md5", "LastModified", "last_modified", "mtime")


class BucketFetcher:
    """See ``fetching.Fetcher``."""

    def __init__(self, source: ObjectSource, reach: Reach) -> None:
        self._source = source
        self._reach = reach
        self._options = {
            name: reach.value(value) if isinstance(value, Secret) else value
            for name, value in source.options.items()
        }

    def fetch(self, sink: BinaryIO, known: Mapping[str, str]) -> Fetched | None:
        """The object, which must be as long as the storage says before and after."""
        clock = self._reach.clock
        patience = Patience(clock, clock.now() + self._source.timeout)
        storage, path = self._open()
        with _faults():
            facts = storage.info(path)
            version = _version(facts)
            if version and known == version:
                return None
            length = self._length(facts)
            with storage.open(path, "rb", block_size=_BLOCK) as stream:
                start, written = self._copy(stream, sink, patience)
            after = storage.info(path)
        if written != length or _version(after) != version:
            raise FetchError("it changed or was cut off while it was read", transient=True)
        form = replace(self._source.form, compressed=start == _GZIP)
        return Fetched(form, validators=version)

    def _open(self) -> tuple[Any, str]:
        protocol, _, path = self._source.url.partition("://")
        if any(part in _LOCAL for part in protocol.replace("+", ":").split(":")) or "::" in path:
            raise FetchError(f"{protocol}:// is no object storage")
        try:
            import fsspec  # noqa: PLC0415 - an extra
        except ImportError:
            message = "it takes a package that is not installed"
            raise FetchError(message, 'pip install "sendoff[object]"') from None
        try:
            # a listing that another fetch remembered would be yesterday's
            storage = fsspec.filesystem(protocol, **{"skip_instance_cache": True, **self._options})
        except ImportError:
            raise FetchError(
                f"the package for {protocol}:// is not installed", _package(protocol)
            ) from None
        except ValueError:
            raise FetchError(f"fsspec knows no {protocol}://") from None
        except Exception:  # noqa: BLE001 - a driver's own; what it says may hold a secret
            raise FetchError("the storage refuses its options", "look at `options`") from None
        return storage, path

    def _length(self, facts: Mapping[str, Any]) -> int:
        length = facts.get("size")
        if not isinstance(length, int):
            raise FetchError("the storage does not say how long the list is")
        if length > self._source.max_bytes:
            hint = "raise `max_megabytes` in the list if that is right"
            raise FetchError(f"it is larger than {self._source.max_bytes // 1_000_000:,} MB", hint)
        return length

    def _copy(self, stream: Any, sink: BinaryIO, patience: Patience) -> tuple[bytes, int]:
        """The first bytes, and how many there were."""
        start, written = b"", 0
        while block := stream.read(_BLOCK):
            patience.left()
            start = start or block[: len(_GZIP)]
            written += len(block)
            sink.write(block)
        return start, written


def _version(facts: Mapping[str, Any]) -> dict[str, str]:
    """What tells this version of the object from another; nothing where the storage has none."""
    return {tag: str(facts[tag]) for tag in _TAGS if facts.get(tag)}


def _package(protocol: str) -> str:
    packages = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "az": "adlfs"}
    name = packages.get(protocol.removesuffix("s"), packages.get(protocol, ""))
    return f"pip install {name}" if name else "see fsspec's documentation for the one it takes"


@contextmanager
def _faults() -> Iterator[None]:
    """Whatever a storage's package raises, without its words: they may hold a signed address."""
    try:
        yield
    except FetchError:
        raise
    except FileNotFoundError:
        raise FetchError("there is no such object", "is `url` right?") from None
    except PermissionError:
        hint = "are the credentials in `options` the right ones?"
        raise FetchError("the storage does not let us in", hint) from None
    except TimeoutError:
        raise FetchError("it did not come in time", transient=True) from None
    except Exception:  # noqa: BLE001 - every storage has errors of its own
        raise FetchError("the storage failed", transient=True) from None

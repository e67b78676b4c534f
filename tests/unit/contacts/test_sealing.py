"""What is sealed on disk comes back as it was, or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.contacts.sources.sealing import (
    CHUNK,
    TAG,
    Sealed,
    Sealer,
    Tampered,
    cipher,
    seal,
    unseal,
)

KEY = cipher(b"k" * 32, b"s" * 16, "test")
SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5]


def write(path: Path, data: bytes, step: int = 1000) -> None:
    with path.open("wb") as stream:
        sealer = Sealer(stream, KEY)
        for start in range(0, len(data), step):
            sealer.write(data[start : start + step])
        sealer.finish()


def opened(path: Path) -> Sealed:
    with path.open("rb") as stream:
        return Sealed(stream, KEY)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("step", [999, CHUNK, 10 * CHUNK])
def test_what_went_in_comes_out(tmp_path: Path, size: int, step: int) -> None:
    data = os.urandom(size)
    write(tmp_path / "x", data, step)
    sealed = opened(tmp_path / "x")
    sealed.check()
    assert sealed.size() == size
    for _ in range(2):
        with sealed.open() as stream:
            assert b"".join(iter(lambda: stream.read(CHUNK), b"")) == data
    with sealed.open() as stream:
        assert stream.seek(size // 2) == size // 2
        assert stream.read(9) == data[size // 2 : size // 2 + 9][: CHUNK - size // 2 % CHUNK]


def test_nothing_of_it_is_on_disk_in_plain(tmp_path: Path) -> None:
    write(tmp_path / "x", b"ann@example.org\n" * 1000)
    assert b"ann@" not in (tmp_path / "x").read_bytes()


PIECE = CHUNK + TAG
DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "a bit changed": lambda raw: raw[:100] + bytes([raw[100] ^ 1]) + raw[101:],
    "cut in a piece": lambda raw: raw[:-1],
    "cut between pieces": lambda raw: raw[:PIECE],
    "pieces changed places": lambda raw: raw[PIECE : 2 * PIECE] + raw[:PIECE] + raw[2 * PIECE :],
    "a piece twice": lambda raw: raw[:PIECE] + raw,
    "longer": lambda raw: raw + b"x",
    "nothing": lambda raw: b"",
}


@pytest.mark.parametrize("name", DAMAGE)
def test_what_was_changed_is_noticed(tmp_path: Path, name: str) -> None:
    write(tmp_path / "x", os.urandom(2 * CHUNK + 100))
    (tmp_path / "x").write_bytes(DAMAGE[name]((tmp_path / "x").read_bytes()))
    with pytest.raises(Tampered):
        opened(tmp_path / "x").check()


def test_a_reader_notices_too(tmp_path: Path) -> None:
    """For what changes between the check and the reading."""
    write(tmp_path / "x", os.urandom(CHUNK + 100))
    sealed = opened(tmp_path / "x")
    raw = (tmp_path / "x").read_bytes()
    (tmp_path / "x").write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    with sealed.open() as stream:
        assert len(stream.read(CHUNK)) == CHUNK
        with pytest.raises(OSError, match="changed while it was read"):
            stream.read(CHUNK)


def test_it_can_be_read_on_when_its_file_has_gone(tmp_path: Path) -> None:
    write(tmp_path / "x", b"abc")
    sealed = opened(tmp_path / "x")
    (tmp_path / "x").unlink()
    with sealed.open() as stream:
        assert stream.read(9) == b"abc"


def test_a_text_is_for_one_purpose_and_one_key() -> None:
    sealed = seal(b"k" * 32, "entry a", b"abc")
    assert unseal(b"k" * 32, "entry a", sealed) == b"abc"
    for secret, purpose, text in (
        (b"k" * 32, "entry b", sealed),
        (b"q" * 32, "entry a", sealed),
        (b"k" * 32, "entry a", sealed[:-1]),
        (b"k" * 32, "entry a", b""),
    ):
        with pytest.raises(Tampered):
            unseal(secret, purpose, text)

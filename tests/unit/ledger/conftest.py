"""Records to write, and a git that no setting of this machine reaches."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from runner.model.ledger import Claim

MakeClaim = Callable[..., Claim]
AT = datetime(2025, 10, 20, 14, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _plain_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def created() -> datetime:
    return AT


@pytest.fixture
def make_claim() -> MakeClaim:
    def make(name: str, campaign: str = "news", run: str = "r", contacts: int = 3) -> Claim:
        return Claim(
            id=name,
            campaign=campaign,
            step="main",
            occurrence="",
            run=run,
            at=AT,
            lease_until=AT + timedelta(minutes=30),
            provider="outbox",
            keys=b"".join(index.to_bytes(8, "big") for index in range(contacts)),
            times=((1760968800, 0, contacts),),
            total=contacts,
        )

    return make

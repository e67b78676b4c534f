from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from runner import providers
from runner.model.settings import Mailbox, Settings
from tests.servers.clock import StillClock


def test_every_name_that_settings_allow_has_a_provider() -> None:
    assert set(providers.PROVIDERS) == set(get_args(get_type_hints(Settings)["provider"]))


@pytest.mark.parametrize("name", sorted(providers.PROVIDERS))
def test_building_needs_no_secret_and_no_network(name: str, tmp_path: Path) -> None:
    settings = replace(Settings(sender=Mailbox("a@example.org")), provider=name)  # type: ignore[arg-type]
    provider = providers.build(settings, {}, tmp_path, StillClock())
    assert provider.name == name
    assert provider.capabilities.max_batch <= 1000
    provider.close()
    assert list(tmp_path.iterdir()) == []


def test_the_outbox_loads_no_library_of_the_others(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from runner import providers
from runner.clock import SystemClock
from runner.model.settings import Mailbox, Settings
providers.build(Settings(sender=Mailbox("a@example.org")), {}, Path("."), SystemClock()).check()
assert not {"sendgrid", "smtplib", "http.client", "idna"} & set(sys.modules)
"""
    root = Path(providers.__file__).parents[2]
    subprocess.run(
        [sys.executable, "-c", script], check=True, cwd=tmp_path, env={"PYTHONPATH": str(root)}
    )

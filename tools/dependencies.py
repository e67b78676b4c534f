"""docs/dependencies.md: what Sendoff needs, what that weighs, and why it is there.

`make dependencies` installs the core and then each extra into an empty environment and measures.
Sizes are those of the newest versions that pyproject.toml admits on this machine.
"""

from __future__ import annotations

import platform
import re
import statistics
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/dependencies.md"
TIMES = 7
WHY: Mapping[str, tuple[str, str]] = {
    "pyyaml": ("yaml", "campaigns, lists and settings; its nodes know their line and column"),
    "jsonschema": ("jsonschema", "the schemas that editors use are the ones that validate"),
    "croniter": ("croniter", "cron expressions; the days are resolved by ourselves"),
    "jinja2": ("jinja2", "templates and conditions, sandboxed"),
    "sendgrid": ("sendgrid", "SendGrid's own client: keys, regions and headers are its business"),
    "structlog": ("structlog", "the log, as lines for people or as JSON"),
    "rich": ("rich.console", "tables and progress in a terminal"),
    "css-inline": ("css_inline", "styles into attributes, for mail programs that need it (Rust)"),
    "mjml-python": ("mjml", "MJML to HTML (Rust)"),
    "email-validator": ("email_validator", "addresses by the RFCs, without asking the network"),
    "idna": ("idna", "domains outside ASCII"),
    "icalendar": ("icalendar", "calendar invitations"),
    "tzdata": ("tzdata", "time zones where the machine has none, or old ones"),
    "pyarrow": ("pyarrow.parquet", "Parquet files, a batch of rows at a time"),
    "fsspec": ("fsspec", "object storage; each kind takes a package more (s3fs, gcsfs, adlfs)"),
    "pyrage": ("pyrage", "lists that are encrypted with age (Rust)"),
    "sqlalchemy": ("sqlalchemy", "lists from databases; SQLite needs no more"),
    "psycopg": ("psycopg", "PostgreSQL, with its own libpq; loads rows in blocks (C)"),
    "cryptography": ("cryptography", "encrypts what is kept of lists outside git"),
    "polars": ("polars", "reads long CSV files in columns (Rust)"),
    "polars-hash": ("polars_hash", "contact keys of whole columns (Rust)"),
}
"""By distribution: the module that is imported, and why it is there."""
SKIPPED = frozenset({"dev", "browser", "test-postgres"})
"""Extras for those who work on Sendoff."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: what is declared, MiB it adds, ms its import takes, and why."""

    name: str
    size: float
    milliseconds: float | None
    why: str


def main() -> None:
    """Measure and write the page."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    with tempfile.TemporaryDirectory() as directory:
        core = list(core_rows(Path(directory), project["dependencies"]))
        extras = project["optional-dependencies"]
        more = [
            extra_row(Path(directory), core_names(project), name, wanted)
            for name, wanted in extras.items()
            if name not in SKIPPED
        ]
    PAGE.write_text(page(core, more))


def core_names(project: Mapping[str, Sequence[str]]) -> list[str]:
    """The requirements of the core."""
    return list(project["dependencies"])


def core_rows(place: Path, wanted: Sequence[str]) -> Iterator[Row]:
    """One environment, filled requirement by requirement: each row is what it added."""
    python = environment(place / "core")
    before = size(place / "core")
    for requirement in wanted:
        install(python, [requirement])
        after, name = size(place / "core"), distribution(requirement)
        module, why = WHY[name]
        yield Row(name, after - before, import_time(python, module), why)
        before = after


def extra_row(place: Path, core: Sequence[str], name: str, wanted: Sequence[str]) -> Row:
    """What an extra adds to the core."""
    python = environment(place / name)
    install(python, core)
    before = size(place / name)
    install(python, wanted)
    modules = [WHY[distribution(r)][0] for r in wanted if distribution(r) in WHY]
    spent = sum(import_time(python, module) for module in modules) if modules else None
    whys = "; ".join(f"{distribution(r)}: {WHY[distribution(r)][1]}" for r in wanted)
    return Row(f"sendoff[{name}]", size(place / name) - before, spent, whys)


def distribution(requirement: str) -> str:
    """The name in a requirement, without extras of its own."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    if match is None:
        raise ValueError(requirement)
    return match[0].lower().replace("_", "-")


def environment(place: Path) -> str:
    """An empty virtual environment's Python."""
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    return str(place / "bin/python")


def install(python: str, wanted: Sequence[str]) -> None:
    """Install requirements."""
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
    subprocess.run(command, check=True)


def size(place: Path) -> float:
    """MiB of what is installed, byte code and pip apart."""
    own = ("pip", "setuptools", "pkg_resources", "_distutils_hack")
    library = next((place / "lib").glob("python*/site-packages"))
    files = (path for path in library.rglob("*") if path.is_file())
    kept = (
        path
        for path in files
        if "__pycache__" not in path.parts
        and not path.relative_to(library).parts[0].startswith(own)
    )
    return sum(path.stat().st_size for path in kept) / 2**20


def import_time(python: str, module: str) -> float:
    """Milliseconds that importing a module takes, beyond starting Python: the median."""
    subprocess.run([python, "-c", f"import {module}"], check=True)  # writes the byte code
    spent = []
    for _ in range(TIMES):
        bare, full = seconds(python, "pass"), seconds(python, f"import {module}")
        spent.append((full - bare) * 1000)
    return max(0.0, statistics.median(spent))


def seconds(python: str, code: str) -> float:
    """How long a Python with this code takes."""
    begun = perf_counter()
    subprocess.run([python, "-c", code], check=True)
    return perf_counter() - begun


def page(core: Sequence[Row], extras: Sequence[Row]) -> str:
    """The page."""
    total = sum(row.size for row in core)
    return f"""\
# What Sendoff depends on

Measured by `make dependencies` on {date.today()}: Python {platform.python_version()},
{platform.system()} {platform.machine()}, newest versions. Sizes are what each one adds, with
all that it brings along that was not there before; import times are beyond starting Python, and
hardly any command imports them all: a run with nothing due loads none of the slow ones
(`python -m benchmarks.cold_run`).

## The core: {total:.0f} MiB

{table(core)}

`cryptography`, 16 MiB of it, comes with `sendgrid` anyway.

## Extras

Each is asked for by name where it is needed: a list, a setting or a command that wants one says
which to install.

{table(extras)}
"""


def table(rows: Sequence[Row]) -> str:
    """Rows in Markdown."""
    lines = ["| | adds | import | why |", "|---|--:|--:|---|"]
    for row in rows:
        spent = "" if row.milliseconds is None else f"{row.milliseconds:.0f} ms"
        lines.append(f"| `{row.name}` | {row.size:.1f} MiB | {spent} | {row.why} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

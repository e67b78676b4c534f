"""Writes the starter: the files of a new workspace, none of them over one that is there."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files as resources
from pathlib import Path
from typing import get_args

from ..bootstrap import SETTINGS, Site
from ..errors import UsageError
from ..workspace.schemas import Kind, schema_text

BACKENDS = {
    "files": "state: {backend: files, path: state}",
    "git": "state: {backend: git, branch: sendoff-state, remote: origin}",
}
SAMPLE = (
    "campaigns/welcome.yaml",
    "campaigns/lists/readers.yaml",
    "campaigns/lists/readers.csv",
    "campaigns/templates/newsletter.html",
)
WORKFLOWS = ("validate.yml", "run.yml", "cancel.yml", "retry.yml", "doctor.yml")
AROUND = {
    ".github/CODEOWNERS": "github/CODEOWNERS",
    ".github/pull_request_template.md": "github/pull_request_template.md",
    ".vscode/settings.json": "vscode/settings.json",
    ".vscode/extensions.json": "vscode/extensions.json",
    ".gitattributes": "gitattributes",
    "campaigns/README.md": "campaigns/README.md",
}
"""What helps the people who work here: by its place, the starter's file."""
ELSEWHERE = {
    ".github/CODEOWNERS": ("CODEOWNERS", "docs/CODEOWNERS"),
    ".github/pull_request_template.md": (
        *("pull_request_template.md", "docs/pull_request_template.md"),
        *("PULL_REQUEST_TEMPLATE.md", "docs/PULL_REQUEST_TEMPLATE.md"),
        *(".github/PULL_REQUEST_TEMPLATE.md", ".github/PULL_REQUEST_TEMPLATE"),
    ),
}
"""Where there may be one already, which a second one would put out of force."""


def make_workspace(site: Site, backend: str) -> Iterator[str]:
    """Write the starter's files; yields what was made and what was left alone."""
    made: list[str] = []
    kept: list[str] = []
    for path, text in _starter(site, backend):
        (made if _write_new(site, path, text) else kept).append(path)
    if _ignore(site):
        made.append(".gitignore")
    yield "Made a workspace:"
    yield from (f"  {path}" for path in sorted(made))
    if kept:
        yield "Left alone, because it is there already:"
        yield from (f"  {path}" for path in sorted(kept))
    above = _repository_above(site)
    if above is not None:
        place = site.root.relative_to(above).as_posix()
        yield "The workflows belong at the top of the repository: move .github there, and write"
        yield f"sendoff --root {place} in them."
    yield ""


def _repository_above(site: Site) -> Path | None:
    """The top of the repository, when the workspace is further down."""
    if (site.root / ".git").exists():
        return None
    return next((one for one in site.root.parents if (one / ".git").exists()), None)


def _starter(site: Site, backend: str) -> Iterator[tuple[str, str]]:
    """Path and content of every file of a new workspace; the settings come last, so that a
    workspace that has them is whole."""
    for kind in get_args(Kind):
        yield f"schemas/{kind}.schema.json", schema_text(kind)
    for name in WORKFLOWS:
        yield f".github/workflows/{name}", _resource(f"workflows/{name}")
    # a sample beside someone's own campaigns could pick up their list of the same name
    if not any((site.root / "campaigns").glob("*")):
        yield from ((path, _resource(path)) for path in SAMPLE)
    yield from ((path, _resource(name)) for path, name in AROUND.items())
    yield SETTINGS, settings_text(backend)


def settings_text(backend: str) -> str:
    return _resource(SETTINGS).replace(BACKENDS["files"], BACKENDS[backend])


def _resource(path: str) -> str:
    return (resources("runner") / "starter" / path).read_text("utf-8")


def _write_new(site: Site, path: str, text: str) -> bool:
    """Write a file that is not there yet; False when it is, or one that does the same."""
    if any((site.root / other).exists() for other in ELSEWHERE.get(path, ())):
        return False
    target = site.root / path
    # a checkout may hold links where directories would be: nothing is written through one
    if not target.parent.resolve().is_relative_to(site.root.resolve()):
        raise UsageError(f"{Path(path).parent} is a symbolic link that leads out: remove it")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError:
        return False
    return True


def _ignore(site: Site) -> bool:
    """Add what must never be committed to ``.gitignore``; True when something was missing."""
    target = site.root / ".gitignore"
    own = target.read_text("utf-8") if target.exists() else ""
    wanted = _resource("gitignore")
    if set(wanted.splitlines()) <= set(own.splitlines()):
        return False
    with target.open("a", encoding="utf-8", newline="\n") as stream:
        stream.write(("\n" if own and not own.endswith("\n") else "") + wanted)
    return True

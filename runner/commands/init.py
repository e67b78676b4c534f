"""``sendoff init``: make a workspace here, and its state."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files as resources
from pathlib import Path
from typing import get_args

from ..bootstrap import SETTINGS, Site
from ..errors import StateMissing, UsageError
from ..model.settings import Settings
from ..workspace import parse_settings
from ..workspace.schemas import Kind, schema_text
from .outcome import Outcome

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
WORKFLOWS = ("validate.yml", "run.yml")
MAKE_A_KEY = "export {name}=\"$(python3 -c 'import secrets; print(secrets.token_hex(32))')\""
HERE_ALREADY = f"{SETTINGS} is here already, so no sample is made."
PLAN = "  sendoff plan       # who would get what, and when?"
RUN = "  sendoff run        # send what is due: for now, as files in outbox/"
NEXT = {
    "files": ("  sendoff validate   # is every file right?", PLAN, RUN),
    "git": (
        PLAN,
        "  git add . && git commit -m 'Start with sendoff' && git push   # approve it",
        RUN,
    ),
}


def init(site: Site, backend: str | None) -> Outcome:
    """Make what is missing; nothing that exists is overwritten.

    Raises UsageError where the backend cannot be and StateError for a weak key, both before
    anything is written; and StateError when the state cannot be made.
    """
    fresh = not (site.root / SETTINGS).exists()
    settings = _starter_settings(backend or "files") if fresh else site.settings
    _check_backend(site, settings, backend)
    name = settings.state.key.env
    has_key = bool(site.environ.get(name))
    if has_key:
        site.state_key(settings)
    lines = list(_make_workspace(site, settings.state.backend)) if fresh else [HERE_ALREADY]
    lines += [_make_state(site, settings)] if has_key else _without_key(name)
    if fresh:
        lines += ["", "Next:", *NEXT[settings.state.backend]]
    return Outcome("\n".join(lines))


def _starter_settings(backend: str) -> Settings:
    return parse_settings(_settings_text(backend), SETTINGS)


# -- refusals --------------------------------------------------------------------------------


def _check_backend(site: Site, settings: Settings, wanted: str | None) -> None:
    """Refuse a backend other than the settings', and git where there is no remote."""
    state = settings.state
    if wanted is not None and wanted != state.backend:
        raise UsageError(
            f"{SETTINGS} says state.backend: {state.backend}; change it there, then call "
            "sendoff init without --backend"
        )
    if state.backend != "git":
        return
    site.root.mkdir(parents=True, exist_ok=True)
    if site.git.run("rev-parse", "--is-inside-work-tree").text.strip() != "true":
        raise UsageError(
            f"{site.root} is no git repository, and the git backend keeps the ledger on a branch "
            "of its remote. Make one with: git init"
        )
    remotes = site.git.ask("remote").decode().split()
    # a URL or a path may stand for a remote
    if state.remote not in remotes and not any(mark in state.remote for mark in ":/"):
        raise UsageError(
            f"this repository has no remote {state.remote!r}, and the git backend keeps the "
            f"ledger there. Add it with: git remote add {state.remote} URL"
        )


# -- the workspace -----------------------------------------------------------------------------


def _make_workspace(site: Site, backend: str) -> Iterator[str]:
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
    yield SETTINGS, _settings_text(backend)


def _settings_text(backend: str) -> str:
    return _resource(SETTINGS).replace(BACKENDS["files"], BACKENDS[backend])


def _resource(path: str) -> str:
    return (resources("runner") / "starter" / path).read_text("utf-8")


def _write_new(site: Site, path: str, text: str) -> bool:
    """Write a file that is not there yet; False when it is."""
    target = site.root / path
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


# -- the state -----------------------------------------------------------------------------------


def _make_state(site: Site, settings: Settings) -> str:
    """Begin the ledger where there is none.  A ledger that is gone is never begun anew."""
    store = site.store(settings)
    try:
        store.sync()
    except StateMissing:
        store.initialise(site.clock.now())
        return f"Made the state: {_where(settings)}."
    return f"There is a state already: {_where(settings)}. It was left as it is."


def _where(settings: Settings) -> str:
    state = settings.state
    if state.backend == "git":
        return f"the branch {state.branch} of {state.remote}"
    return f"the directory {state.path}/"


def _without_key(name: str) -> list[str]:
    return [
        f"No state yet: it needs a key, and {name} is not set. Make one, and keep it where",
        "passwords are kept, for a run with another key stops:",
        f"  {MAKE_A_KEY.format(name=name)}",
        "  sendoff init",
    ]

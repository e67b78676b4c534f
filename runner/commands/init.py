"""``sendoff init``: make a workspace here, and its state."""

from __future__ import annotations

from ..bootstrap import SETTINGS, Site
from ..errors import StateMissing, UsageError
from ..model.settings import Settings
from ..workspace import parse_settings
from .outcome import Outcome
from .starting import make_workspace, settings_text

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


def init(site: Site, backend: str | None, state_branch: bool = False) -> Outcome:
    """Make what is missing; nothing that exists is overwritten.  ``state_branch``: nothing but
    the branch that holds the ledger.

    Raises UsageError where the backend cannot be and StateError for a weak key, both before
    anything is written; and StateError when the state cannot be made.
    """
    if state_branch:
        return _only_the_branch(site, backend)
    fresh = not (site.root / SETTINGS).exists()
    settings = _starter_settings(backend or "files") if fresh else site.settings
    _check_backend(site, settings, backend)
    name = settings.state.key.env
    has_key = bool(site.environ.get(name))
    if has_key:
        site.state_key(settings)
    lines = list(make_workspace(site, settings.state.backend)) if fresh else [HERE_ALREADY]
    lines += [_make_state(site, settings)] if has_key else _without_key(name)
    if fresh:
        lines += ["", "Next:", *NEXT[settings.state.backend]]
    return Outcome("\n".join(lines))


def _only_the_branch(site: Site, backend: str | None) -> Outcome:
    """Raises UsageError where the settings here keep the ledger elsewhere, StateError without the
    state key."""
    if not (site.root / SETTINGS).exists():
        raise UsageError(f"there is no {SETTINGS} here: sendoff init --backend git makes both")
    settings = site.settings
    _check_backend(site, settings, backend or "git")
    return Outcome(_make_state(site, settings))


def _starter_settings(backend: str) -> Settings:
    return parse_settings(settings_text(backend), SETTINGS)


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
    # a name, not a URL: what is approved must come from where everybody pushes to
    if state.remote not in remotes:
        raise UsageError(
            f"this repository has no remote {state.remote!r}, and the git backend keeps the "
            f"ledger there. Add it with: git remote add {state.remote} URL"
        )


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

"""``sendoff resolve``: settle what is in doubt."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from ..bootstrap import Site
from ..errors import InputError, UsageError
from ..model.ledger import Resolution
from ..ports import Snapshot
from ..report.words import plural
from ..resolving import Decision, Open, ask_provider, settle, unsettled
from .outcome import Outcome

Verdict = Literal["sent", "not-sent"]


def resolve(site: Site, name: str | None, verdict: Verdict | None, by: str | None) -> Outcome:
    """Ask the provider, or take a person's word; exit code 4 while something stays in doubt."""
    store = site.store(site.settings)
    snapshot = store.sync()
    found = pick(site, snapshot, name, "in_doubt")
    if not found:
        return Outcome("Nothing is in doubt" + (f" in {name}." if name else "."))
    who = by_whom(site, by)
    if verdict is not None:
        word: Literal["sent", "not_sent"] = "sent" if verdict == "sent" else "not_sent"
        facts = settle(found, word, Decision(who, site.clock.now(), "said by a person"))
    else:
        facts = _evidence(site, found, who)
    if facts:
        message = f"resolve: {plural(_count(facts), 'mail')} by {who}"
        snapshot = store.add_facts(facts, run=site.new_run_id(), message=message)
    still = pick(site, snapshot, name, "in_doubt")
    return Outcome("\n".join(_lines(facts, still)), 4 if still else 0)


def pick(
    site: Site, snapshot: Snapshot, name: str | None, kind: Literal["in_doubt", "failed"]
) -> list[Open]:
    """What is open in a campaign, a job or a claim; everywhere when ``name`` is None."""
    every = snapshot.campaigns()
    chosen = [c for c in every if name is None or name == c or name.startswith(f"{c}/")]
    if name is not None and not chosen:
        # a claim's id does not say whose it is
        chosen = list(every)
    found = [
        one
        for campaign in chosen
        for one in unsettled(snapshot.records(campaign), kind, site.clock.now())
        if name in (None, campaign, one.claim.job_id, one.claim.id)
    ]
    if not found and name is not None and name not in _known(snapshot, chosen):
        raise UsageError(
            f"the ledger knows no campaign, job or claim {name!r}; see: sendoff status"
        )
    return found


def _known(snapshot: Snapshot, campaigns: Iterable[str]) -> set[str]:
    names: set[str] = set(campaigns)
    for campaign in campaigns:
        for one in snapshot.records(campaign):
            names.update(str(getattr(one, field, "")) for field in ("job_id", "id"))
    return names


def by_whom(site: Site, given: str | None) -> str:
    """Who decides, as a name: never an address, since it goes into git."""
    name = given or site.environ.get("GITHUB_ACTOR") or site.git_user() or "someone"
    if "@" in name or not name.isprintable() or len(name) > 100:
        raise UsageError("--by takes a name, not an address: it is kept in the ledger")
    return name


def _evidence(site: Site, found: list[Open], who: str) -> list[Resolution]:
    provider = site.provider(site.settings)
    if not provider.capabilities.evidence:
        provider.close()
        return []
    try:
        provider.check()
        decision = Decision(who, site.clock.now(), f"asked {provider.name}")
        mine = [one for one in found if one.claim.provider == provider.name]
        return ask_provider(mine, provider, _emails(site), decision)
    finally:
        provider.close()


def _emails(site: Site) -> dict[bytes, str]:
    """Addresses by contact key, of everyone on a list of the workspace now."""
    books = site.contact_lists()
    emails: dict[bytes, str] = {}
    for one in site.workspace.lists.values():
        try:
            audience = books.read(one)
        except InputError:
            continue  # what cannot be looked up stays in doubt, and is shown as such
        emails.update(zip(audience.keys, audience.emails, strict=True))
    return emails


def _count(facts: list[Resolution]) -> int:
    return sum(count for fact in facts for _, count in fact.ranges)


def _lines(facts: list[Resolution], still: list[Open]) -> list[str]:
    sent = _count([fact for fact in facts if fact.verdict == "sent"])
    unsent = _count([fact for fact in facts if fact.verdict == "not_sent"])
    lines = []
    if sent:
        lines.append(f"{plural(sent, 'mail')} settled as sent.")
    if unsent:
        lines.append(f"{plural(unsent, 'mail')} settled as not sent: due again at the next run.")
    lines += [
        f"{one.claim.job_id}: {plural(one.count, 'mail')} in doubt since "
        f"{one.claim.at:%Y-%m-%d %H:%M} UTC (claim {one.claim.id}, provider {one.claim.provider})"
        for one in still
    ]
    if still:
        lines.append(_advice(still))
    return lines


def _advice(still: list[Open]) -> str:
    providers = sorted({one.claim.provider for one in still})
    return (
        f"Look into the log of {' and '.join(providers)} for that time. If they went out: sendoff "
        "resolve CLAIM --as sent. If they did not: sendoff resolve CLAIM --as not-sent, and the "
        "next run sends them. When you cannot tell, `sent` mails nobody twice."
    )

"""An address is what email-validator says it is, and one person is one matching form."""

from __future__ import annotations

import re
import unicodedata

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from runner.contacts import Address, domain_name, fault, normalise
from runner.contacts.addresses import PLAIN, forms, read_addresses


@pytest.mark.parametrize(
    ("raw", "envelope", "matching"),
    [
        ("ann@example.org", "ann@example.org", "ann@example.org"),
        ("  ann@example.org\t", "ann@example.org", "ann@example.org"),
        ("Ann.Lee@Example.ORG", "Ann.Lee@example.org", "ann.lee@example.org"),
        ("INFO@example.org", "INFO@example.org", "info@example.org"),
        ("o'brien+tag@mail.example", "o'brien+tag@mail.example", "o'brien+tag@mail.example"),
        ("x@bücher.example", "x@xn--bcher-kva.example", "x@xn--bcher-kva.example"),
        ("X@BÜCHER.example", "X@xn--bcher-kva.example", "x@xn--bcher-kva.example"),
        ("x@XN--BCHER-KVA.example", "x@xn--bcher-kva.example", "x@xn--bcher-kva.example"),
        ("x@a。example", "x@a.example", "x@a.example"),
        ("x@sub.host.test", "x@sub.host.test", "x@sub.host.test"),
    ],
)
def test_valid_addresses_have_two_forms(raw: str, envelope: str, matching: str) -> None:
    """The envelope keeps the local part as given; the matching form folds it."""
    assert normalise(raw) == Address(envelope, matching)


INVALID = [
    ("", "there is no address"),
    ("   ", "there is no address"),
    ("ann", "there is no @"),
    ("ann@", "domain"),
    ("@example.org", "before the @"),
    ("ann@example", "domain"),
    ("ann@test", "domain"),
    ("ann@host.local", "domain"),
    ("ann@host.invalid", "domain"),
    ("ann@example..org", "domain"),
    ("ann@-example.org", "domain"),
    ("ann@ab--c.example", "domain"),
    ("ann@xn--a.example", "domain"),
    ("ann@[192.0.2.1]", "domain"),
    ("ann@192.0.2.1", "domain"),
    ("ann@example.org.", "domain"),
    (".ann@example.org", "before the @"),
    ("ann..lee@example.org", "before the @"),
    ("ann@example.org\nbcc@example.org", "line break"),
    ("ann\0@example.org", "invisible"),
    ("a\u200bnn@example.org", "invisible"),
    ("ann@example.org,bob@example.org", "more than one"),
    ("ann@example.org;bob@example.org", "more than one"),
    ("Ann <ann@example.org>", "a name"),
    ('"ann lee"@example.org', "white space"),
    ('"ann"@example.org', "quotes"),
    ("ann lee@example.org", "white space"),
    ("jörg@example.org", "beyond ASCII"),
    ("mailto:ann@example.org", "before the @"),
    ("a" * 65 + "@example.org", "64"),
    ("a" * 60 + "@" + ("b" * 60 + ".") * 4 + "example", "254"),
]


@pytest.mark.parametrize(("raw", "why"), INVALID)
def test_invalid_addresses_are_refused_with_a_reason(raw: str, why: str) -> None:
    assert normalise(raw) is None
    assert why in fault(raw)


@pytest.mark.parametrize("raw", [raw for raw, _ in INVALID if len(raw) > 4])
def test_a_reason_never_repeats_the_address(raw: str) -> None:
    """Reasons are logged; addresses must not be."""
    parts = [part for part in raw.replace("@", " ").split() if len(part) > 3]
    assert not any(part in fault(raw) for part in parts)


def test_lengths_are_allowed_up_to_their_limits() -> None:
    local = "a" * 64
    domain = ("b" * 61 + ".") * 3 + "exa"
    assert len(local) + 1 + len(domain) == 254
    assert normalise(f"{local}@{domain}") is not None
    assert normalise(f"{local}@{domain}m") is None


ATEXT = "abzAZ09.!#$%&'*+-/=?^_`{|}~"
TROUBLE = '"\\()<>[]:;, \t\r\n\0@ßéİıΣςK\u0301\u200d\ufeff。．中'
LABELS = "abzAZ09-.."
locals_ = st.text(ATEXT, max_size=8) | st.text(ATEXT + TROUBLE, max_size=6)
NAMES = (
    *("example", "org", "xn--bcher-kva", "XN--80AK6AA92E", "xn--a", "b" * 63, "c" * 64, "bücher"),
    *("ß", "local", "test", "invalid", "onion", "ab--c", "1", "a1", "1a", "-a"),
)
domains = (
    st.text(LABELS, max_size=14)
    | st.text(LABELS + TROUBLE, max_size=8)
    | st.lists(st.sampled_from(NAMES), min_size=1, max_size=5).map(".".join)
)
addresses = st.builds("{}@{}".format, locals_, domains) | st.text(ATEXT + TROUBLE, max_size=12)


def by_email_validator(raw: str) -> tuple[str, str] | None:
    """What email-validator and the rules on top of it make of an address: the slow way."""
    try:
        valid = validate_email(
            raw.strip(),
            check_deliverability=False,
            test_environment=True,
            allow_smtputf8=False,
            strict=True,
        )
    except EmailNotValidError:
        return None
    domain = valid.ascii_domain.lower()
    if "." not in domain:
        return None
    local = raw.strip().rpartition("@")[0]
    return f"{local}@{domain}", unicodedata.normalize("NFC", local).casefold() + f"@{domain}"


@given(addresses)
@example("a@b.K")
@example("a@1.1a")
@example("a@b.c-d")
def test_the_fast_way_says_what_email_validator_says(raw: str) -> None:
    """The patterns for common addresses accept and refuse exactly as the library does."""
    assert forms(raw) == by_email_validator(raw)


@given(addresses)
def test_normalising_twice_changes_nothing(raw: str) -> None:
    address = normalise(raw)
    if address is not None:
        assert normalise(address.envelope) == address
        assert normalise(address.matching) == Address(address.matching, address.matching)
        assert address.envelope.isascii()


@given(addresses)
def test_every_refused_text_has_a_reason(raw: str) -> None:
    if normalise(raw) is None:
        assert fault(raw)


@given(domains)
def test_a_domain_name_is_its_own_domain_name(raw: str) -> None:
    host = domain_name(raw)
    assert not host or domain_name(host) == host == host.lower()


plain = st.builds("{}{}@{}".format, st.sampled_from(["", " ", "A"]), st.just("ann"), domains)


@given(st.lists(addresses | plain | st.sampled_from([raw for raw, _ in INVALID]), max_size=12))
@example(["a@b.example\nc@d.example"])
@example(["a@b.example", "", "İ@b.example", "c@b.example"])
@example(["\ud800@b.example", "c@b.example"])
def test_many_at_once_are_what_each_is_alone(raw: list[str]) -> None:
    """Wherever the unusual ones stand among the plain ones."""
    found = read_addresses(raw)
    alone = [forms(one) for one in raw]
    assert found.envelopes == [pair[0] if pair else "" for pair in alone]
    assert found.matching == [pair[1].encode() if pair else b"" for pair in alone]
    assert found.invalid == [row for row, pair in enumerate(alone) if pair is None]


@pytest.mark.parametrize("sign", "!#$%&'*+/=?^_`{|}~-")
def test_every_sign_that_an_address_may_hold_is_plain(sign: str) -> None:
    """To polars as well, so that whole columns of ann+news@… take the quick way."""
    address = f"a{sign}b@example.org"
    assert forms(address) == (address, address)
    assert re.search(PLAIN, address)

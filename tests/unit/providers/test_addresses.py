from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.providers.addresses import plain_forms, wire_form
from runner.providers.loopback import is_loopback
from runner.providers.refusal import Refusal


@pytest.mark.parametrize(
    ("given_as", "wire"),
    [
        ("a@example.org", "a@example.org"),
        ("A.b+c@EXAMPLE.Org", "A.b+c@example.org"),
        ("o'brien/x=y@example.org", "o'brien/x=y@example.org"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("a@Bücher.example", "a@xn--bcher-kva.example"),
        ("jürgen@example.org", "jürgen@example.org"),
        ("a@localhost", "a@localhost"),
    ],
)
def test_only_the_domain_changes(given_as: str, wire: str) -> None:
    assert wire_form(given_as) == wire


@pytest.mark.parametrize(
    "address",
    [
        *("", "a", "@", "a@", "@example.org", "a@b@example.org", "a@example..org", "a@.org"),
        *("a b@example.org", "a@exam ple.org", "a\n@example.org", "a@example.org\r\n"),
        *("a@example.org>", "<a@example.org", "a@-example.org", "a@example-.org", "a@xn--.\u00fc"),
        *('"a"@example.org', "a,b@example.org", "a;b@example.org", "a\\b@example.org"),
        *("\u00a0a@example.org", "a\u2028@example.org", "a\ud800@example.org", "a@[127.0.0.1]"),
        *("x" * 310 + "@example.org", "a@\u0085.example", "a@" + "x" * 64 + ".org"),
    ],
)
def test_what_could_break_out_or_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(Refusal, match=r"^(bad address|address too long)$"):
        wire_form(address)


@settings(deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_gets_a_line_break_or_a_second_address_through(local: str, domain: str) -> None:
    try:
        wire = wire_form(f"{local}@{domain}")
    except Refusal:
        return
    assert not set(wire) & set("\r\n\t <>,;\x00")
    assert wire.count("@") == 1


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "::1", "[::1]"]
)
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "example.org", "10.0.0.1", "localhost.example.org", "127.0.0.1.example.org", "192.0.2.1"],
)
def test_other_machines(host: str) -> None:
    assert not is_loopback(host)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *("a@example.org", "a.b+c@x-y.example.org", "A@example.org", "a@Example.org"),
                *("", "a", "@", "a@", "a@b\n", "a b@example.org", "é@example.org", "a@é.example"),
                *("x" * 64 + "@example.org", "x" * 65 + "@example.org", "a@" + "b" * 254),
                *("a@" + "b." * 130 + "c", "a@b@example.org", '"a"@example.org', "a@-x.org"),
                *("a@b\nc@d.example", "a@b..c", "a@example.org."),
            ]
        ),
        max_size=4,
    )
)
def test_a_column_that_is_plain_needs_no_second_look(addresses: list[str]) -> None:
    """Whatever is let through at one glance is what each would have become alone."""
    plain = plain_forms(addresses)
    if plain is not None:
        assert list(plain) == [wire_form(address) for address in addresses]


def test_ordinary_addresses_are_plain() -> None:
    """The glance is worth it only if it lets ordinary lists through."""
    addresses = [f"reader.{n}+news@mail-{n}.example.org" for n in range(1000)]
    assert plain_forms(addresses) is addresses

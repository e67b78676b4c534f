from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.providers.addresses import wire_form
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

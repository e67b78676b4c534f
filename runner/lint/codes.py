"""The codes of the lint: stable names that files silence and ``docs/lint.md`` explains."""

from __future__ import annotations

from typing import Literal

Severity = Literal["error", "warning"]

CODES: dict[str, Severity] = {
    "no-unsubscribe-link": "error",
    "no-postal-address": "error",
    "script-in-html": "error",
    "form-in-html": "error",
    "html-too-big": "warning",
    "image-without-alt": "warning",
    "no-text-part": "warning",
    "http-link": "warning",
    "relative-link": "warning",
    "empty-link": "warning",
    "placeholder-link": "warning",
    "empty-field": "warning",
    "subject-empty": "warning",
    "subject-too-long": "warning",
    "subject-shouting": "warning",
    "missing-preheader": "warning",
    "missing-lang": "warning",
    "unbalanced-tags": "warning",
    "unsupported-css": "warning",
    "unsupported-html": "warning",
    "long-line": "warning",
    "night-send": "warning",
    "noreply-reply-to": "warning",
    "variable-in-one-part": "warning",
}
"""Every code that may be ignored, with its severity."""

UNUSED = "unused-ignore"
"""An ``ignore`` that silences nothing; it cannot be ignored itself."""

LENIENT = frozenset({"no-unsubscribe-link", "no-postal-address"})
"""Errors that are warnings while the outbox is the provider: nothing leaves the machine."""

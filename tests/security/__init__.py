"""Attacks on the whole program and on the doors of its rooms; see docs/security.md."""

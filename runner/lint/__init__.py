"""The lint room: what makes a mail unlawful, unread or broken, said before it is sent."""

from .codes import CODES
from .room import Draft, Linter

__all__ = ["CODES", "Draft", "Linter"]

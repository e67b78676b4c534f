"""One sandbox for everything people write in Jinja2: templates and expressions.

Who writes a campaign is trusted to send mail, not to run code or to stall a run.  So the
sandbox knows plain data only and works from lists of what is allowed, never of what is not:

- attributes are looked up in data (``variables.items`` is the key ``items``), never in Python
  objects, so that there is no way from a value to its class;
- filters, tests and global functions are those listed in ``filters``;
- only macros, blocks, ``range`` and functions handed in can be called;
- whatever makes text or repeats is paid for from a ``Budget``, so that no template can take
  more than a bounded time and memory.
"""

from .budget import MAX_OUTPUT, MAX_SECONDS, MAX_SOURCE, Budget, SandboxError, budget
from .environment import Sandbox
from .grammar import Fault
from .values import Function, is_scalar, plain

__all__ = [
    "MAX_OUTPUT",
    "MAX_SECONDS",
    "MAX_SOURCE",
    "Budget",
    "Fault",
    "Function",
    "Sandbox",
    "SandboxError",
    "budget",
    "is_scalar",
    "plain",
]

"""Pages for a browser: one self-contained file each, without a script.

The policy in ``page.html`` forbids everything but the page's own style and pictures in it.
"""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from ..terminal import clean
from ..words import count, plural


def template(name: str) -> Template:
    """A page of this directory, whatever it is given escaped."""
    environment = Environment(
        loader=PackageLoader("runner.report", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(clean=clean, count=count, plural=plural)
    return environment.get_template(name)

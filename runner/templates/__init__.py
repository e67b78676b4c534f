"""Templates: from Jinja2, MJML and variables to messages.

``TemplateRoom`` is the room's door.  Content is compiled once and filled per contact: see
``compiled`` for how a template becomes text with holes, and ``shapes`` for how that is proven.
"""

from .composer import ComposeError, StepComposer
from .room import TemplateRoom

__all__ = ["ComposeError", "StepComposer", "TemplateRoom"]

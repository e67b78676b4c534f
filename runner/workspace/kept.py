"""Answers worked out from the files of a workspace, kept for as long as those are the same."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from ..cache import Cache
from ..dataclass import dataclass
from ..edition import edition
from ..stored import NotStorableError, dump, restore
from .files import WorkspaceFiles
from .tracing import TracedFiles, digest, look_again

T = TypeVar("T")


@dataclass(frozen=True)
class Kept:
    """Answers in a cache.  An answer of another edition of the program is no answer."""

    cache: Cache

    def by_token(self, slot: str, token: str, make: Callable[[], T]) -> T:
        """The answer that ``make`` gives; ``token`` names all that it depends on."""
        if self.cache.home is None:
            return make()
        token = f"{edition()} {token}"
        rows = self.cache.get(slot, token)
        if rows is not None:
            kept: T = restore(rows)
            return kept
        answer = make()
        if not _holds_contacts(answer):
            with suppress(NotStorableError):
                self.cache.put(slot, token, dump(answer))
        return answer

    def by_files(
        self,
        slot: str,
        root: Path,
        make: Callable[[WorkspaceFiles], T],
        lasting: Callable[[T], bool] = lambda answer: True,
    ) -> T:
        """The answer that ``make`` gives, which depends on the files that it looks at alone.

        It is kept with the list of those files and a digest of what was in them; one that is not
        ``lasting`` is not kept.
        """
        if self.cache.home is None:
            return make(WorkspaceFiles(root))
        found = self.cache.get(slot, edition())
        if found is not None:
            looked = [(way, path) for way, path in found["looked"]]
            if look_again(WorkspaceFiles(root), looked) == found["digest"]:
                kept: T = restore(found["answer"])
                return kept
        files = TracedFiles(root)
        answer = make(files)
        if _holds_contacts(answer) or not lasting(answer):
            return answer
        with suppress(NotStorableError):
            entry = {
                "looked": list(files.looked),
                "digest": digest(list(files.looked.items())),
                "answer": dump(answer),
            }
            self.cache.put(slot, edition(), entry)
        return answer


def _holds_contacts(answer: object) -> bool:
    """Whether addresses stand in an answer: entries lie in clear, and are carried along in CI."""
    # asked of new answers alone: to find that nothing changed takes no model of a workspace
    from ..model.contacts import InlineSource  # noqa: PLC0415
    from ..model.workspace import Workspace  # noqa: PLC0415

    return isinstance(answer, Workspace) and any(
        isinstance(one.source, InlineSource) for one in answer.lists.values()
    )

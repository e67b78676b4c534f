"""A residue as Python: one function that goes through columns and gives, for each contact, its
path and what is printed on it.

The source is made of our own identifiers and operators; everything that a template says is among
the constants.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from time import monotonic

from markupsafe import Markup

from ..dataclass import dataclass
from ..sandbox import MAX_SECONDS, budget
from ..sandbox.budget import MAX_WORK
from ..sandbox.values import as_text
from .atoms import clean
from .residue import Bind, Choice, Code, Hole, Loop, Residue, Said, Step, Unproven

_LOCAL = re.compile(r"\bv[0-9]+\b")
_COLUMN = re.compile(r"\bc[0-9]+\b")

Path = tuple[int, ...]
Row = tuple[Path, Sequence[str]] | None
"""A contact's path and its values; None when its message has to be made in the sandbox."""

MAX_DEPTH = 18
"""Levels of statements inside each other; Python itself ends at 20 loops."""


@dataclass(frozen=True, slots=True)
class Generated:
    """``columns``: the (name, whether cleaned) of the arguments, in order."""

    columns: tuple[tuple[str, bool], ...]
    _function: Callable[..., None]

    def rows(self, columns: Sequence[Sequence[str]], count: int) -> list[Row]:
        """One row for each of ``count`` contacts; ``columns`` hold their values."""
        found: list[Row] = []
        with budget() as purse:
            # a contact's own budget: what the one before has spent is given back
            def begin() -> None:
                purse.work, purse.deadline = MAX_WORK, monotonic() + MAX_SECONDS

            self._function(zip(*columns, strict=True) if columns else _nothing(count),
                           found.append, begin, purse.spend)  # fmt: skip
        return found


def _nothing(count: int) -> Iterator[tuple[()]]:
    return iter([()] * count)


def generate(residue: Residue) -> Generated:
    """Compile a residue.  Raises Unproven when Python cannot."""
    writer = _Writer(residue)
    body = [*writer.lines(residue.steps, 3)]
    body = [*writer.kept(), *body]
    used = frozenset(_COLUMN.findall("\n".join(body)))
    names = [item for item in residue.columns.items() if item[1] in used]
    lines = [
        "def rows(contacts, add, begin, spend):",
        f"    for {''.join(f'{name},' for _, name in names) or '()'} in contacts:",
        "        try:",
        "            begin()",
        "            path = []",
        "            tell = path.append",
        "            values = []",
        *body,
        "            add((tuple(path), values))",
        "        except Exception:",
        "            add(None)",
    ]
    space = {**residue.constants, "text": text, "clean": clean}
    space["__builtins__"] = {"Exception": Exception, "tuple": tuple, "list": list, "len": len,
        "str": str,
                             "enumerate": enumerate}  # fmt: skip
    try:
        exec(compile("\n".join(lines), "<compiled template>", "exec"), space)  # noqa: S102 - our own identifiers only
    except (RecursionError, MemoryError) as error:
        raise Unproven("too much nesting") from error
    return Generated(tuple(key for key, _ in names), space["rows"])


def text(value: object) -> str:
    """A printed value as text.  Raises what the sandbox would."""
    if value.__class__ is str:
        return value
    if value.__class__ is int:
        return str(value)
    shown = as_text(value)
    if isinstance(shown, Markup):
        raise TypeError("markup is the sandbox's to print")
    return str(shown)


def _repeated(steps: Sequence[Step]) -> list[str]:
    """Sources of columns alone that are printed at several places, or in a loop."""
    counts: Counter[str] = Counter()

    def walk(steps: Sequence[Step], weight: int) -> None:
        for step in steps:
            if isinstance(step, Hole) and isinstance(step.value, Code):
                counts[step.value.source] += weight
            elif isinstance(step, Choice):
                for arm in step.arms:
                    walk(arm, weight)
            elif isinstance(step, Loop):
                walk(step.body, 2)
                walk(step.other, weight)

    walk(steps, 1)
    return [
        source
        for source, count in counts.items()
        if count > 1 and "(" in source and not _LOCAL.search(source)
    ]


class _Writer:
    """Writes steps down.  What is printed more than once for a contact is worked out once."""

    def __init__(self, residue: Residue) -> None:
        self._columns = frozenset(residue.columns.values())
        self._kept: dict[str, str] = {
            source: f"h{number}" for number, source in enumerate(_repeated(residue.steps))
        }

    def kept(self) -> Iterator[str]:
        """The statements that work out what is printed more than once."""
        for source, name in self._kept.items():
            yield f"            {name} = text({source})"

    def lines(self, steps: Sequence[Step], depth: int) -> Iterator[str]:
        """The statements of steps, ``depth`` levels deep."""
        if depth > MAX_DEPTH:
            raise Unproven("too much nesting")
        indent = "    " * depth
        printed: list[str] = []
        for step in steps:
            if isinstance(step, Hole):
                if isinstance(step.value, Code):
                    printed.append(self._text(step.value))
                continue
            yield from self._flushed(printed, indent)
            yield from self._step(step, depth, indent)
        yield from self._flushed(printed, indent)

    def _flushed(self, printed: list[str], indent: str) -> Iterator[str]:
        if printed:
            yield f"{indent}values += ({', '.join(printed)},)"
            printed.clear()

    def _text(self, code: Code) -> str:
        if code.gives == "text" and code.source not in self._kept:
            return code.source
        if code.simple:  # most are text already, and a call takes its time
            return f"({code.source} if {code.source}.__class__ is str else text({code.source}))"
        if code.gives == "number":
            return f"str({code.source})"
        return self._kept.get(code.source) or (
            f"(t if (t := {code.source}).__class__ is str else text(t))"
        )

    def _step(self, step: Step, depth: int, indent: str) -> Iterator[str]:
        if isinstance(step, Bind):
            yield f"{indent}{step.name} = {step.value.source}"
        elif isinstance(step, Said):
            yield f"{indent}{step.name}.append({step.value.source})"
        elif isinstance(step, Choice):
            yield from self._choice(step, depth, indent)
        elif isinstance(step, Loop):
            yield from self._loop(step, depth, indent)

    def _choice(self, step: Choice, depth: int, indent: str) -> Iterator[str]:
        for number, arm in enumerate(step.arms):
            word = f"elif {step.tests[number].source}" if number < len(step.tests) else "else"
            yield f"{indent}{word[2:] if number == 0 else word}:"
            if step.told:
                yield f"{indent}    tell({number})"
            else:
                yield f"{indent}    pass"
            yield from self.lines(arm, depth + 1)

    def _loop(self, step: Loop, depth: int, indent: str) -> Iterator[str]:
        count, items = step.state.length, f"{step.state.length}_items"
        targets = "".join(f"{name}," for name in step.targets)
        target = step.targets[0] if len(step.targets) == 1 else f"({targets})"
        yield f"{indent}{items} = {step.items.source}"
        test = f" if {step.test.source}" if step.test else ""
        if step.items.gives != "texts" or test:
            yield f"{indent}{items} = [{target} for {target} in {items}{test}]"
        yield f"{indent}{count} = len({items})"
        yield f"{indent}tell({count})"
        yield f"{indent}spend({step.price} * {count})"
        yield f"{indent}for {step.state.index}, {target} in enumerate({items}):"
        yield f"{indent}    pass"
        yield from self.lines(step.body, depth + 1)
        if step.other:
            yield f"{indent}if {count} == 0:"
            yield f"{indent}    pass"
            yield from self.lines(step.other, depth + 1)

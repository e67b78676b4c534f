"""The contact's own time zone, as far as it is one."""

from __future__ import annotations

from ..timetable import zones


class Zones(dict[str, str]):
    """What stands in a time zone column -> the IANA name, or '' when it is none; remembered."""

    def __missing__(self, value: str) -> str:
        name = value.strip()
        if name:
            try:
                zones.zone(name)
            except LookupError:
                name = ""
        if len(self) < 1 << 14:
            self[value] = name
        return name


def suggestion(value: str) -> str:
    """A hint at the zone that was meant; never repeats what was written."""
    near = zones.suggest(value)
    return f"did you mean {near[0]}?" if near else "write an IANA name such as America/Chicago"

"""Condense the data of caniemail.com into what the lint needs to know.

    npm pack caniemail@2.0.2 && tar xzf caniemail-2.0.2.tgz
    python tools/caniemail.py package > runner/lint/clients.json

The argument is the unpacked npm package ``caniemail`` (MIT), which carries the data of
caniemail.com by Rémi Parmentier (MIT).  Nothing is loaded from the network, here or at run time.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CLIENTS = {
    "Gmail": ("gmail", ("desktop-webmail", "ios", "android")),
    "Outlook for Windows": ("outlook", ("windows",)),
    "Apple Mail": ("apple-mail", ("macos", "ios")),
    "Yahoo": ("yahoo", ("desktop-webmail", "ios", "android")),
}
_NAME = re.compile(r"^(@?-?[a-z][a-z-]*(?:\(\)|: ?[a-z]+)?)(?: (?:property|shorthand))? ?$")
_UNIT = re.compile(r"^([a-z]+) unit$")
_TAG = re.compile(r"<([a-z0-9]+)>")
_ATTRIBUTE = re.compile(r"^([a-z-]+)(?: and ([a-z-]+))? attributes?$")
_SUFFIXES = {"heif": ("heic", "heif"), "tiff": ("tif", "tiff")}


def condensed(package: Path) -> dict[str, Any]:
    """For each feature the clients that drop it, on every platform that was tested."""
    data = json.loads((package / "data/caniemail.json").read_text("utf-8"))
    version = json.loads((package / "package.json").read_text("utf-8"))["version"]
    found: dict[str, dict[str, list[str]]] = {"css": {}, "html": {}, "image": {}}
    for feature in data["data"]:
        droppers = [client for client in CLIENTS if drops(feature["stats"], client)]
        for name in names(feature) if droppers else ():
            found[feature["category"]][name] = droppers
    return {
        "source": f"caniemail.com by Rémi Parmentier, through the npm package caniemail {version}",
        "licence": "MIT, see clients.LICENSE",
        "updated": data["last_update_date"][:10],
        **found,
    }


def drops(stats: dict[str, Any], client: str) -> bool:
    """True when the newest result on every tested platform is a plain no."""
    family, platforms = CLIENTS[client]
    tested = [results for name in platforms if (results := stats.get(family, {}).get(name))]
    return bool(tested) and all(list(results.values())[-1].startswith("n") for results in tested)


def names(feature: dict[str, Any]) -> Iterator[str]:
    """How it is written: ``gap``, ``display:flex``, ``clamp()``, ``vh``; a tag; ``[attribute]``."""
    title, category = feature["title"], feature["category"]
    if category == "css":
        for part in re.split(r", | & ", title):
            match = _NAME.match(part) or _UNIT.match(part)
            if match and not feature["slug"].startswith(("css-pseudo", "css-selector")):
                yield match[1].replace(" ", "")
    elif category == "html":
        attribute = _ATTRIBUTE.match(title)
        yield from _TAG.findall(title)
        yield from (f"[{name}]" for name in (attribute.groups() if attribute else ()) if name)
    elif category == "image":
        kind = feature["slug"].removeprefix("image-")
        yield from _SUFFIXES.get(kind, (kind,))


def main() -> None:
    json.dump(condensed(Path(sys.argv[1])), sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()

"""``make test-schemas``: the schemas by somebody else's validator.

``ajv`` in strict mode must compile each schema, and must accept what we accept: the settings,
campaigns, lists and front matter of this repository, of the starter, and of
``tests/examples/valid``.  Needs npm; ajv is installed into a directory that is thrown away.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from runner.workspace.document import parse

HERE = Path(__file__).resolve().parents[1]
PACKAGES = ("ajv-cli@5", "ajv-formats@2")
STRICT = ("--spec=draft2020", "--strict=true", "-c", "ajv-formats")


def workspaces() -> Iterator[Path]:
    """Every directory that holds a whole workspace."""
    yield HERE
    yield HERE / "runner/starter"
    yield from sorted(path.parent for path in HERE.glob("tests/examples/valid/*/sendoff.yaml"))


def documents(root: Path) -> Iterator[tuple[str, Path, str]]:
    """(kind, file, YAML text) of everything in a workspace that has a schema."""
    yield "settings", root / "sendoff.yaml", (root / "sendoff.yaml").read_text("utf-8")
    campaigns = root / "campaigns"
    for path in sorted(campaigns.rglob("*.yaml")):
        top = path.relative_to(campaigns).parts[0]
        if top not in ("files", "templates", "suppressions"):
            yield "list" if top == "lists" else "campaign", path, path.read_text("utf-8")
    for path in sorted((campaigns / "templates").rglob("*")):
        if path.suffix in (".html", ".mjml") and "layouts" not in path.parts:
            head = path.read_text("utf-8")
            if head.startswith("---\n"):
                yield "template", path, head.removeprefix("---\n").partition("\n---\n")[0]


def ajv(tool: Path, *arguments: str) -> None:
    """Call ajv; whatever it finds ends the trial."""
    done = subprocess.run(  # noqa: S603 - the tool installed below
        [str(tool / "node_modules/.bin/ajv"), *arguments],
        cwd=tool,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"ajv {arguments[0]}:\n{done.stdout}{done.stderr}")


def install(npm: str, tool: Path) -> None:
    """Put ajv into ``tool``."""
    command: Sequence[str] = (npm, "install", "--silent", "--no-fund", "--no-audit", *PACKAGES)
    (tool / "package.json").write_text('{"private": true}')
    if subprocess.run(command, cwd=tool, check=False).returncode != 0:  # noqa: S603 - npm
        sys.exit(f"npm could not install {' '.join(PACKAGES)}")


def main() -> None:
    """Compile every schema, and validate every document."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("npm was not found: install Node.js, which brings it along")
    with tempfile.TemporaryDirectory(prefix="sendoff-ajv-") as directory:
        tool = Path(directory)
        install(npm, tool)
        files: dict[str, list[str]] = {}
        for number, (kind, path, text) in enumerate(d for w in workspaces() for d in documents(w)):
            target = tool / f"{number:03d}-{path.name}.json"
            target.write_text(json.dumps(parse(text, path.name).root.data), "utf-8")
            files.setdefault(kind, []).append(str(target))
        for schema in sorted((HERE / "schemas").glob("*.schema.json")):
            kind = schema.name.partition(".")[0]
            ajv(tool, "compile", *STRICT, "-s", str(schema))
            data = [part for name in files[kind] for part in ("-d", name)]
            ajv(tool, "validate", *STRICT, "-s", str(schema), *data)
    counts = ", ".join(f"{len(names)} {kind}" for kind, names in sorted(files.items()))
    sys.stdout.write(f"ajv compiled every schema, and accepted all documents: {counts}.\n")


if __name__ == "__main__":
    main()

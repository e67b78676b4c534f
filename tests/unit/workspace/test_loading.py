"""What a workspace is made of, and what becomes of the parts that are broken."""

import subprocess
import sys
from pathlib import Path

import pytest

from runner.errors import InputError
from runner.workspace import WorkspaceFiles, load, parse_settings

SETTINGS = "from: {email: hello@example.org}\nunsubscribe: {mailto: leave@example.org}\n"
LIST = "source: {type: inline, contacts: [{email: ann@example.org}]}\n"
TEMPLATE = "---\nsubject: Hello\n---\n<p>Hello</p>\n"
CAMPAIGN = "list: members\ntemplate: hello\nschedule: {send: immediate}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, "sendoff.yaml", SETTINGS)
    write(tmp_path, "campaigns/lists/members.yaml", LIST)
    write(tmp_path, "campaigns/templates/hello.html", TEMPLATE)
    write(tmp_path, "campaigns/a.yaml", CAMPAIGN)
    return tmp_path


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, "utf-8")


def test_an_id_survives_a_rename(root: Path) -> None:
    write(root, "campaigns/2025/b.yaml", "id: a.b\n" + CAMPAIGN)
    assert set(load(WorkspaceFiles(root)).campaigns) == {"a", "a.b"}


def test_data_folders_hold_no_campaigns_on_top_only(root: Path) -> None:
    for folder in ("lists", "templates", "suppressions", "files"):
        write(root, f"campaigns/spring/{folder}/x.yaml", f"id: {folder}\n{CAMPAIGN}")
    write(root, "campaigns/files/c.yaml", "no campaign")
    workspace = load(WorkspaceFiles(root))
    assert workspace.problems == ()
    assert set(workspace.campaigns) == {"a", "lists", "templates", "suppressions", "files"}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("campaigns/lists/members.yaml", "source: {type: csv}\n"),
        ("campaigns/lists/members.yaml", "source: [\n"),
        ("campaigns/templates/hello.html", "---\nsubject: [\n---\n<p></p>\n"),
        ("campaigns/a.yaml", "list: members\n"),
        ("campaigns/a.yaml", CAMPAIGN + "pacing: {batch_size: 0}\n"),
    ],
)
def test_what_is_broken_names_the_file_to_mend(root: Path, path: str, text: str) -> None:
    """One broken file is one problem, and holds exactly the campaigns that need it."""
    write(root, "campaigns/b.yaml", CAMPAIGN.replace("members", "other").replace("hello", "plain"))
    write(root, "campaigns/lists/other.yaml", LIST)
    write(root, "campaigns/templates/plain.html", TEMPLATE)
    write(root, path, text)
    workspace = load(WorkspaceFiles(root))
    assert workspace.broken == {"a": path}
    assert set(workspace.campaigns) == {"b"}
    assert {problem.path for problem in workspace.problems} == {path}


def test_a_broken_file_keeps_its_explicit_id(root: Path) -> None:
    write(root, "campaigns/a.yaml", "id: kept\nlist: members\n")
    assert load(WorkspaceFiles(root)).broken == {"kept": "campaigns/a.yaml"}


def test_both_of_two_equal_ids_are_broken(root: Path) -> None:
    write(root, "campaigns/b.yaml", "id: A\n" + CAMPAIGN)
    workspace = load(WorkspaceFiles(root))
    assert workspace.broken == {"a": "campaigns/a.yaml", "A": "campaigns/b.yaml"}
    assert workspace.campaigns == {}


def test_without_a_way_to_leave_nothing_is_whole(root: Path) -> None:
    write(root, "sendoff.yaml", "from: {email: hello@example.org}\n")
    write(root, "campaigns/b.yaml", CAMPAIGN + "unsubscribe: {mailto: leave@example.org}\n")
    workspace = load(WorkspaceFiles(root))
    assert workspace.broken == {"a": "sendoff.yaml"}
    assert set(workspace.campaigns) == {"b"}
    assert len(workspace.problems) == 1


def test_missing_settings_say_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="sendoff init"):
        load(WorkspaceFiles(tmp_path))


def test_broken_settings_come_with_the_problems_of_all_files(root: Path) -> None:
    write(root, "sendoff.yaml", "from: {}\n")
    write(root, "campaigns/a.yaml", "list: members\n")
    with pytest.raises(InputError) as caught:
        load(WorkspaceFiles(root))
    assert [problem.path for problem in caught.value.problems] == [
        "campaigns/a.yaml",
        "sendoff.yaml",
    ]


def test_a_flood_of_problems_is_counted(root: Path) -> None:
    keys = "".join(f"unknown{number}: 1\n" for number in range(900))
    write(root, "campaigns/a.yaml", CAMPAIGN + keys)
    problems = load(WorkspaceFiles(root)).problems
    assert len(problems) == 201
    assert "700 more" in problems[0].message


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ("2025-03-09 02:30", "is skipped in America/Chicago, where the clocks go forward"),
        ("2025-11-02 01:30", "occurs twice in America/Chicago: the first is meant"),
        ("2025-11-02 03:30", ""),
        ("2025-11-02 01:30-06:00", ""),
    ],
)
def test_a_time_that_is_skipped_or_doubled_is_a_warning(root: Path, at: str, message: str) -> None:
    schedule = f"schedule: {{send: scheduled, at: {at}, timezone: America/Chicago}}"
    write(root, "campaigns/a.yaml", CAMPAIGN.replace("schedule: {send: immediate}", schedule))
    workspace = load(WorkspaceFiles(root))
    assert set(workspace.campaigns) == {"a"}
    assert [problem.severity for problem in workspace.problems] == ["warning"] * bool(message)
    assert all(message in problem.message for problem in workspace.problems)


def test_one_address_for_everyone_is_a_warning() -> None:
    text = 'from: {email: a@example.org}\nunsubscribe: {url: "https://example.org/leave"}\n'
    assert parse_settings(text).unsubscribe.url == "https://example.org/leave"


def test_settings_alone_give_all_their_problems() -> None:
    with pytest.raises(InputError) as caught:
        parse_settings("from: 3\nprovider: x\npaused: maybe\n", "elsewhere.yaml")
    assert [str(problem)[:18] for problem in caught.value.problems] == [
        "elsewhere.yaml:1:7",
        "elsewhere.yaml:2:1",
        "elsewhere.yaml:3:9",
    ]


def test_a_cold_start_does_not_pay_for_what_it_does_not_use(root: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom runner.workspace import WorkspaceFiles, load\n"
        f"assert load(WorkspaceFiles(Path({str(root)!r}))).campaigns\n"
        "print(*(m for m in ('jinja2', 'croniter', 'icalendar', 'email_validator') "
        "if m in sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_loading_twice_is_the_same(root: Path) -> None:
    assert load(WorkspaceFiles(root)) == load(WorkspaceFiles(root))


def test_an_attachment_that_leads_out_is_refused(root: Path, tmp_path_factory) -> None:
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.pdf"
    secret.write_text("secret")
    (root / "campaigns/files").mkdir()
    (root / "campaigns/files/a.pdf").symlink_to(secret)
    write(root, "campaigns/a.yaml", CAMPAIGN + "attachments: [{path: files/a.pdf}]\n")
    problem = load(WorkspaceFiles(root)).problems[0]
    assert "leads out of the workspace" in problem.message
    assert (problem.line, problem.column) == (4, 22)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("batch_size: 100.0", "`batch_size` must be a whole number, not the number 100.0"),
        ("batch_size: 1e2", '`batch_size` must be a whole number, not the text "1e2"'),
        ("batch_size: true", "`batch_size` must be a whole number, not the word true"),
    ],
)
def test_numbers_are_what_they_look_like(root: Path, written: str, message: str) -> None:
    write(root, "campaigns/a.yaml", f"{CAMPAIGN}pacing: {{{written}}}\n")
    assert [problem.message for problem in load(WorkspaceFiles(root)).problems] == [message]


@pytest.mark.parametrize(
    "text",
    [
        "from: {email: ann@example.org, name: [ann@example.org]}",
        "from: ann@example.org",
        "from: {email: ann@example.org}\nann@example.org: 1",
        "from: {email: 'ann@example.org '}\nreply_to: [ann@example.org]",
        "from: {email: ann@example.org}\ntimezone: ann@example.org\nprovider: ann@example.org",
        "from: {email: ann@example.org}\nproviders: {sendgrid: {api_key: ann@example.org}}",
        "from: {email: ann@example.org}\nstate: {branch: ann@@example.org, path: /ann@example.org}",
        "ann@example.org: 1\nann@example.org: 2",
    ],
)
def test_no_address_and_no_secret_is_repeated(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_settings(text + "\n")
    assert "ann@" not in str(caught.value)


def test_no_address_in_a_condition_is_repeated(root: Path) -> None:
    for where in (
        "contact.email == 'ann@example.org' or",
        "ann@example.org",
        "x('ann@example.org')",
    ):
        write(
            root,
            "campaigns/a.yaml",
            CAMPAIGN.replace("members", f'{{use: members, where: "{where}"}}'),
        )
        problems = load(WorkspaceFiles(root)).problems
        assert problems
        assert "ann@" not in "".join(map(str, problems))

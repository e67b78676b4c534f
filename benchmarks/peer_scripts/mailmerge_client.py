"""mailmerge's own command, in this process: ``client.py FILE PORT COUNT``.

Writes its template, its table and its server file, and prints the seconds and the processor
seconds that its command took to send COUNT mails.
"""

import csv
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from click.testing import CliRunner
from mailmerge.__main__ import main as mailmerge


def source(pieces):
    return "".join(p if isinstance(p, str) else f"{{{{v{p}}}}}" for p in pieces)


def write(data, rows, port):
    Path("mailmerge_server.conf").write_text(
        f"[smtp_server]\nhost = 127.0.0.1\nport = {port}\nsecurity = Never\n"
    )
    Path("mailmerge_template.txt").write_text(
        "TO: {{email}}\nFROM: F3 Nation <hello@f3.example>\n"
        f"SUBJECT: {source(data['subject'])}\nMIME-Version: 1.0\n"
        'Content-Type: multipart/alternative; boundary="boundary"\n\n'
        f"--boundary\nContent-Type: text/plain; charset=utf-8\n\n{source(data['text'])}\n"
        f"--boundary\nContent-Type: text/html; charset=utf-8\n\n{source(data['html'])}\n"
        "--boundary--\n"
    )
    with Path("mailmerge_database.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["email", *(f"v{n}" for n in range(len(rows[0]["values"])))])
        table.writerows([row["email"], *row["values"]] for row in rows)


def main():
    data = json.loads(Path(sys.argv[1]).read_text())
    rows = data["rows"][: int(sys.argv[3])]
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        write(data, rows, sys.argv[2])
        begun, used = time.perf_counter(), time.process_time()
        done = CliRunner().invoke(mailmerge, ["--no-dry-run", "--no-limit"])
        assert done.exit_code == 0, done.output[-500:]
        print(time.perf_counter() - begun, time.process_time() - used)
        os.chdir("/")


main()

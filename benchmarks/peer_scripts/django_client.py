"""``django.core.mail`` as its documentation has it for many mails: ``client.py FILE PORT COUNT``.

Prints the seconds and the processor seconds that COUNT mails took, over one connection.
"""

import json
import sys
import time
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection


def fill(pieces, values):
    return "".join(p if isinstance(p, str) else values[p] for p in pieces)


def main():
    data = json.loads(Path(sys.argv[1]).read_text())
    settings.configure(EMAIL_HOST="127.0.0.1", EMAIL_PORT=int(sys.argv[2]))
    rows = data["rows"][: int(sys.argv[3])]
    begun, used = time.perf_counter(), time.process_time()
    connection = get_connection()
    connection.open()
    for row in rows:
        values = row["values"]
        message = EmailMultiAlternatives(
            fill(data["subject"], values),
            fill(data["text"], values),
            "F3 Nation <hello@f3.example>",
            [row["email"]],
            reply_to=["team@f3.example"],
            headers={"List-Unsubscribe": f"<https://example.org/u?t={values[-1]}>"},
            connection=connection,
        )
        message.attach_alternative(fill(data["html"], values), "text/html")
        assert message.send() == 1
    connection.close()
    print(time.perf_counter() - begun, time.process_time() - used)


main()

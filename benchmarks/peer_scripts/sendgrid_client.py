"""The ``sendgrid`` package as its documentation has it: ``client.py FILE URL PER_REQUEST COUNT``.

Prints the seconds that it took to send COUNT mails, with data and template in memory.
"""

import json
import sys
import time
from pathlib import Path

from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Content, Email, Mail, Personalization, Substitution, To


def mail(data, rows):
    message = Mail()
    message.from_email = Email("hello@f3.example", "F3 Nation")
    message.subject = data["subject"]
    message.add_content(Content("text/plain", data["text"]))
    message.add_content(Content("text/html", data["html"]))
    for row in rows:
        person = Personalization()
        person.add_to(To(row["email"]))
        for tag, value in row["values"].items():
            person.add_substitution(Substitution(tag, value))
        message.add_personalization(person)
    return message


def main():
    data = json.loads(Path(sys.argv[1]).read_text())
    client = SendGridAPIClient("SG.benchmark", host=sys.argv[2])
    size, count = int(sys.argv[3]), int(sys.argv[4])
    rows = data["rows"][:count]
    begun = time.perf_counter()
    for first in range(0, count, size):
        answer = client.send(mail(data, rows[first : first + size]))
        assert answer.status_code == 202
    print(time.perf_counter() - begun)


main()

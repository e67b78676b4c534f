"""What became of mails after they had left: told by a service, by bounce mails, or by a file."""

"""Telling people: tasks that wait for somebody, and mails that leave by themselves (docs/adr on notifications)."""

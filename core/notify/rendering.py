"""Mail texts: templates/mail/<name>.subject.txt and <name>.txt, plain text in Japanese."""

import re
from typing import Any

from django.conf import settings
from django.template import Context
from django.template.loader import get_template

_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
LONGEST_SUBJECT = 200


class MissingWord(Exception):
    """A mail template asks for something it was not given: a mail with a hole must not leave."""


class _StrictContext(Context):
    """A context in which an unknown name is an error, not an empty place."""

    def __getitem__(self, key: Any) -> Any:
        for known in reversed(self.dicts):
            if key in known:
                return known[key]
        raise MissingWord(key)


def render_mail(template: str, context: dict[str, Any]) -> tuple[str, str]:
    """Subject (one line, without control characters) and body of a mail. Raises MissingWord for a gap."""
    if not _NAME.fullmatch(template):
        raise ValueError(f"not the name of a mail template: {template!r}")
    words = {
        "product_name": settings.PRODUCT_NAME,
        # links lead where the settings say, never where a request claimed to come from
        "origin": settings.PUBLIC_ORIGIN,
        "True": True,
        "False": False,
        "None": None,
        **context,
    }
    subject = _render(f"mail/{template}.subject.txt", words)
    return one_line(subject), _render(f"mail/{template}.txt", words).strip() + "\n"


def one_line(text: str) -> str:
    """Text as it may stand in a header: control characters and line breaks become blanks, at most 200 long."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:LONGEST_SUBJECT]


def _render(name: str, words: dict[str, Any]) -> str:
    # plain text: "&" must not become "&amp;"
    template: Any = get_template(name)
    return str(template.template.render(_StrictContext(words, autoescape=False)))

"""How accounts of an institution's people are named."""

import re

from accounts.models import User


def free_name(code: str) -> str:
    """A user name made of the institution's code that nobody has: k1, k1-2, k1-3."""
    stem = re.sub(r"[^\w.@+-]", "-", code)[:140].lower()
    taken = set(User.objects.filter(username__istartswith=stem).values_list("username", flat=True))
    lower = {name.lower() for name in taken}
    name, number = stem, 1
    while name in lower:
        number += 1
        name = f"{stem}-{number}"
    return name

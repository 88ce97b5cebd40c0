"""Where certificates lie."""

from collections.abc import Iterable

from core.files.shelf import Shelf

from .models import Certificate


def _known(start: str) -> Iterable[str]:
    return Certificate.objects.filter(stored_name__startswith=start).values_list("stored_name", flat=True)


SHELF = Shelf("certificates", _known)

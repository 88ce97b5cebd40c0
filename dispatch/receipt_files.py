"""Where receipts lie."""

from collections.abc import Iterable

from core.files.shelf import Shelf

from .models import Receipt


def _known(start: str) -> Iterable[str]:
    return Receipt.objects.filter(stored_name__startswith=start).values_list("stored_name", flat=True)


_SHELF = Shelf("receipts", _known)
keep, destroy, opened, opened_thumbnail = _SHELF.keep, _SHELF.destroy, _SHELF.opened, _SHELF.opened_thumbnail
path_of, sweep = _SHELF.path_of, _SHELF.sweep

"""How often somebody may ask for something that costs work or tells what a list holds."""

from django.core.cache import cache


def within_pace(what: str, who: object, *, most: int, seconds: int) -> bool:
    """Counts one more request of `who` for `what`; False when there were more than `most` in the last `seconds`.

    The count begins with the first request of a period and ends with the period.
    """
    key = f"pace:{what}:{who}"
    if cache.add(key, 1, seconds):
        return True
    try:
        return bool(cache.incr(key) <= most)
    except ValueError:  # the period ended in between
        return True

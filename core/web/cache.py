"""The cache, which may be away at any time: it only counts and remembers, what must hold is in the database."""

import logging
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)


class ForgetfulRedisCache(RedisCache):
    """Redis; while it is away everything is unknown and nothing is kept, and no page fails for that.

    Limits that count by it (core/web/pace.py, guessed links) don't hold meanwhile: tokens are too long to be guessed,
    the proxy counts requests by itself, and wrong passwords are counted in the database (accounts/limiter.py).
    """

    def add(self, *args: Any, **kwargs: Any) -> bool:
        """As if it had been new."""
        return bool(self._try("add", lambda: super(ForgetfulRedisCache, self).add(*args, **kwargs), True))

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """As if there were nothing."""
        return self._try(
            "get", lambda: super(ForgetfulRedisCache, self).get(key, default, version=version), default
        )

    def set(self, *args: Any, **kwargs: Any) -> None:
        """Nothing is kept."""
        self._try("set", lambda: super(ForgetfulRedisCache, self).set(*args, **kwargs), None)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """As of a key that has ended: ValueError."""
        try:
            return int(super().incr(key, delta, version=version))
        except RedisError as trouble:
            self._log("incr", trouble)
            raise ValueError("the cache is away") from trouble

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        """As if it had not been there."""
        return bool(
            self._try("delete", lambda: super(ForgetfulRedisCache, self).delete(*args, **kwargs), False)
        )

    def delete_many(self, *args: Any, **kwargs: Any) -> None:
        """The same for several."""
        self._try("delete_many", lambda: super(ForgetfulRedisCache, self).delete_many(*args, **kwargs), None)

    def _try(self, what: str, work: Callable[[], Any], otherwise: Any) -> Any:
        try:
            return work()
        except RedisError as trouble:
            self._log(what, trouble)
            return otherwise

    def _log(self, what: str, trouble: RedisError) -> None:
        log.warning("the cache is away (%s: %s)", what, type(trouble).__name__)

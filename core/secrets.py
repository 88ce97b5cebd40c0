"""Encrypting single values: bank data, second-factor secrets, small texts (docs/adr on encryption).

The keys are settings.FIELD_KEYS, newest first: the first one encrypts, all of them decrypt. To change keys,
put a new one in front, `rotate` every stored value, then take the old one away. A cipher text is ASCII and
says nothing but its length and the time it was made.
"""

from collections.abc import Iterable
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Unreadable(Exception):
    """No key of ours opens this text, or it was altered."""


class BadKey(ValueError):
    """Not a key: 32 random bytes in URL-safe base64 are wanted."""


def new_key() -> str:
    """A fresh random key, as it stands in FIELD_KEYS."""
    return Fernet.generate_key().decode()


def keyring(keys: Iterable[str]) -> MultiFernet:
    """The keys as one ring, newest first. Raises BadKey for what is no key, and when there is none."""
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        # without its cause, which may show the key
        raise BadKey("鍵は、32 バイトの乱数を URL 用の base64 で書いたものにしてください。") from None


@lru_cache(maxsize=4)
def _ring(keys: tuple[str, ...]) -> MultiFernet:
    return keyring(keys)


def _current() -> MultiFernet:
    return _ring(tuple(settings.FIELD_KEYS))


def encrypt(text: str) -> str:
    """The text in cipher, under the newest key."""
    return _current().encrypt(text.encode()).decode()


def decrypt(cipher: str) -> str:
    """The text behind a cipher of any key of the ring. Raises Unreadable."""
    try:
        return _current().decrypt(cipher.encode()).decode()
    except InvalidToken:
        raise Unreadable("この値を復号できる鍵がありません。") from None


def rotate(cipher: str) -> str:
    """The same text under the newest key, with its old time. Raises Unreadable."""
    try:
        return _current().rotate(cipher.encode()).decode()
    except InvalidToken:
        raise Unreadable("この値を復号できる鍵がありません。") from None

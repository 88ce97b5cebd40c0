"""Encrypting single values: bank data, second-factor secrets, small texts (docs/adr/0014-data-at-rest.md).

The keys are settings.FIELD_KEYS, newest first: the first one encrypts, all of them decrypt. To change keys,
put a new one in front, `rotate` every stored value, then take the old one away. A cipher text is ASCII and
says nothing but its length and the time it was made.

A sealed value is a cipher and, after a dot, a keyed fingerprint of its text: equal texts have equal fingerprints,
so that sets of rows are compared without opening any, and a cipher that was exchanged for another is noticed.
"""

import base64
import hashlib
import hmac
import re
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


def key_marks() -> tuple[str, ...]:
    """A short mark of each key of the ring, newest first: names a key and says nothing of what it is."""
    return tuple(hashlib.sha256(b"key mark " + key_bytes(key)).hexdigest()[:8] for key in settings.FIELD_KEYS)


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


# -- sealed values

# 16 of the 32 bytes of HMAC-SHA-256, in URL-safe base64 without padding
FINGERPRINT_LENGTH = 22
SEALED_PATTERN = rf"^gAAAA[A-Za-z0-9_=-]+[.][A-Za-z0-9_-]{{{FINGERPRINT_LENGTH}}}$"
"""What a sealed value looks like, for PostgreSQL and Python alike: a column with this check can't hold plain text."""
SEALED = re.compile(SEALED_PATTERN)


def key_bytes(key: str) -> bytes:
    """The 32 bytes behind a key. Raises BadKey."""
    try:
        raw = base64.urlsafe_b64decode(key)
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise BadKey("鍵は、32 バイトの乱数を URL 用の base64 で書いたものにしてください。")
    return raw


_key_bytes = lru_cache(maxsize=4)(key_bytes)


def fingerprint(text: str) -> str:
    """The keyed fingerprint of a text (settings.FINGERPRINT_KEY): says whether two texts are equal, nothing else."""
    digest = hmac.digest(_key_bytes(settings.FINGERPRINT_KEY), text.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def seal(text: str) -> str:
    """The text in cipher with its fingerprint; nothing stays nothing."""
    return f"{encrypt(text)}.{fingerprint(text)}" if text else ""


def fingerprint_of(sealed: str) -> str:
    """The fingerprint of a sealed value, without opening it."""
    return sealed.rpartition(".")[2]


def unseal(sealed: str) -> str:
    """The text of a sealed value. Raises Unreadable, also when cipher and fingerprint don't belong together."""
    if not sealed:
        return ""
    cipher, _, mark = sealed.rpartition(".")
    text = decrypt(cipher)
    if not hmac.compare_digest(mark, fingerprint(text)):
        raise Unreadable("この値は書き換えられているか、指紋の鍵が異なります。")
    return text


def reseal(sealed: str) -> str:
    """The same sealed value under the newest key; the fingerprint stays. Raises Unreadable."""
    if not sealed:
        return ""
    unseal(sealed)
    cipher, _, mark = sealed.rpartition(".")
    return f"{rotate(cipher)}.{mark}"


def is_newest(cipher: str) -> bool:
    """Whether the newest key opens this cipher or sealed value."""
    try:
        _ring((settings.FIELD_KEYS[0],)).decrypt(cipher.partition(".")[0].encode())
    except InvalidToken:
        return False
    return True

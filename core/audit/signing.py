"""The key that signs archives (Ed25519). In production a secret of the sealing process, else made in VAR_DIR."""

import base64
import binascii
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

from core.errors import DomainError


def _private_keys() -> list[Ed25519PrivateKey]:
    """The keys of the setting, the one that signs first; those after it are retired and only check what they signed."""
    if not settings.AUDIT_SIGNING_KEY.split():
        raise DomainError("AUDIT_SIGNING_KEY が設定されていないため、履歴の保管ファイルに署名できません。")
    try:
        return [
            Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(key))
            for key in settings.AUDIT_SIGNING_KEY.split()
        ]
    except (binascii.Error, ValueError):
        # without its cause, which may show the key
        raise DomainError(
            "AUDIT_SIGNING_KEY は、32 バイトの乱数を URL 用の base64 で書いたものにしてください。"
        ) from None


def sign(data: bytes) -> str:
    """The signature in base64. DomainError without a usable key."""
    return base64.b64encode(_private_keys()[0].sign(data)).decode()


def public_key_text() -> str:
    """The public half as PEM, for whoever checks archives elsewhere."""
    key = _private_keys()[0].public_key()
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def read_public_key(path: Path) -> Ed25519PublicKey:
    """A public key from a PEM file. DomainError for anything else."""
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise DomainError(f"{path} は Ed25519 の公開鍵（PEM）ではありません。")
    return key


def own_public_keys() -> list[Ed25519PublicKey]:
    """The public halves of this installation's keys, of the one that signs first."""
    return [key.public_key() for key in _private_keys()]


def is_signed(data: bytes, signature: str, *keys: Ed25519PublicKey) -> bool:
    """Whether the signature is one of this data under one of these keys."""
    for key in keys:
        try:
            key.verify(base64.b64decode(signature, validate=True), data)
        except (InvalidSignature, binascii.Error, ValueError):
            continue
        return True
    return False

"""The keyring: what one key encrypts, the ring opens; old keys can be retired."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.secrets import BadKey, Unreadable, decrypt, encrypt, keyring, new_key, rotate

PROJECT = Path(__file__).resolve().parent.parent.parent


def test_a_text_comes_back_and_its_cipher_shows_nothing_of_it() -> None:
    cipher = encrypt("普通 1234567 ｶﾌﾞｼｷ")
    assert decrypt(cipher) == "普通 1234567 ｶﾌﾞｼｷ"
    assert "1234567" not in cipher
    assert cipher.isascii()


def test_the_same_text_never_has_the_same_cipher() -> None:
    assert encrypt("1234567") != encrypt("1234567")


def test_an_altered_cipher_is_refused() -> None:
    cipher = encrypt("1234567")
    altered = cipher[:-6] + ("A" if cipher[-6] != "A" else "B") + cipher[-5:]
    for bad in (altered, "", "gAAAA", "口座"):
        with pytest.raises(Unreadable):
            decrypt(bad)


def test_R_025_a_rotated_value_needs_the_old_key_no_longer(settings: Any) -> None:
    old, new = new_key(), new_key()
    settings.FIELD_KEYS = [old]
    cipher = encrypt("1234567")
    settings.FIELD_KEYS = [new, old]
    assert decrypt(cipher) == "1234567"
    rotated = rotate(cipher)
    settings.FIELD_KEYS = [new]
    assert decrypt(rotated) == "1234567"
    for function in (decrypt, rotate):
        with pytest.raises(Unreadable):
            function(cipher)


@pytest.mark.parametrize("keys", [[], ["short"], [new_key(), "x" * 44], ["鍵" * 44]])
def test_what_is_no_key_is_refused_without_showing_it(keys: list[str]) -> None:
    with pytest.raises(BadKey) as refusal:
        keyring(keys)
    assert not any(key in str(refusal.value) for key in keys)


def test_the_embedded_installation_makes_its_own_keys_once(tmp_path: Path) -> None:
    code = "from config.settings import embedded as e; print(e.FIELD_KEYS)"
    environment = {**os.environ, "VAR_DIR": str(tmp_path), "DATABASE_URL": "postgresql://a:b@127.0.0.1:1/c"}
    environment["REDIS_URL"] = "redis://127.0.0.1:1/0"
    shown = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(2)
    }
    assert len(shown) == 1
    path = tmp_path / "field_keys"
    keyring(path.read_text().split())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

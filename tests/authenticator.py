"""An authenticator app for tests (RFC 6238)."""

import base64
import struct
import time
from hmac import digest

SECRET = base64.b32encode(b"a secret of 20 bytes").decode()


def code_at(moment: float, secret: str = SECRET) -> str:
    """The code an authenticator app shows at a moment (RFC 6238: SHA-1, 30 seconds, 6 digits)."""
    value = digest(base64.b32decode(secret), struct.pack(">Q", int(moment) // 30), "sha1")
    start = value[-1] & 15
    return f"{(struct.unpack('>I', value[start : start + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def code_now(secret: str = SECRET) -> str:
    """The code the app shows now."""
    return code_at(time.time(), secret)

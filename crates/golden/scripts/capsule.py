"""A capsule as another implementation seals it: the golden value of crates/capsule.

Key and name by HKDF-SHA256 (RFC 5869), sealed with AES-256-GCM-SIV (RFC 8452), both of the package
`cryptography`; the body is packed by hand. Prints the text.
"""

import base64

from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SECRET = bytes([1]) * 32
GENERATION = 42
NONCE = bytes([7]) * 12
EVENTS = 1_234
ISSUED_UNIX_MS = 1_795_000_000_000
BEGAN_UNIX_MS = ISSUED_UNIX_MS - 60_000


def derived(purpose: bytes) -> bytes:
    info = purpose + GENERATION.to_bytes(8, "big")
    return HKDF(algorithm=SHA256(), length=32, salt=b"frontrow capsule 1", info=info).derive(SECRET)


def text(value: str) -> bytes:
    assert len(value) < 32
    return bytes([0xA0 | len(value)]) + value.encode()


def body() -> bytes:
    state = bytes(range(200))
    parts = [b"\x9b\x02", text("s-1"), text("edge-eu-1"), bytes([GENERATION])]
    parts += [b"\xcf" + moment.to_bytes(8, "big") for moment in (ISSUED_UNIX_MS, BEGAN_UNIX_MS)]
    parts += [text("ada"), text("heat"), text("eu"), b"\xc0"]
    parts += [b"\xc4" + bytes([len(state)]) + state]
    return b"".join(parts)


def capsule() -> str:
    header = b"\x02" + derived(b"name")[:8] + EVENTS.to_bytes(4, "big") + NONCE
    sealed = AESGCMSIV(derived(b"seal")).encrypt(NONCE, body(), header)
    return base64.urlsafe_b64encode(header + sealed).decode().rstrip("=")


if __name__ == "__main__":
    print(capsule())

"""Prints a segment of the spool, for crates/spool/src/segment/tests.rs; its own CRC-32C, bit by bit."""

import struct


def crc32c(data: bytes) -> int:
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def header(lane: int, epoch: int, first_sequence: int, created_unix_ms: int) -> bytes:
    begin = b"frontrow" + bytes([1, lane]) + bytes(6)
    begin += struct.pack("<QQQ", epoch, first_sequence, created_unix_ms) + bytes(4)
    return begin + struct.pack("<I", crc32c(begin))


def frame(segment_header: bytes, sequence: int, at_unix_ms: int, records: int, payload: bytes) -> bytes:
    head = struct.pack("<IIQQI", len(payload), records, sequence, at_unix_ms, crc32c(payload))
    return head + struct.pack("<I", crc32c(segment_header[:44] + head)) + payload


NOW = 1_800_000_000_000
HEADER = header(2, 7, 41, NOW)
print((HEADER + frame(HEADER, 41, NOW + 41, 4, b"one") + frame(HEADER, 42, NOW + 42, 1, b"")).hex())

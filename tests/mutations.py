"""Damage to files, as disks, networks and editors do it; the same for the same seed."""

import random
from collections.abc import Iterator

ODD_NUMBERS = (
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    0x7F800000,
    0x7FC00000,
)
ODD_WORDS = (
    b"nan",
    b"inf",
    b"-1",
    b"0",
    b"1e308",
    b"9" * 400,
    b"\xff\xfe",
    b"\x1b[31m",
    b"\0",
    b";",
    b"=",
    b"{",
    b"}",
    b"[",
    b'"',
)


def mutations(content: bytes, count: int, seed: int = 0) -> Iterator[bytes]:
    """Damaged copies of a file's content.

    Half of the damage falls on the first 400 bytes, where headers are.
    """
    rng = random.Random(seed)
    for _ in range(count):
        yield rng.choice(DAMAGES)(content, rng)


def _place(content: bytes, rng: random.Random) -> int:
    end = min(400, len(content)) if rng.random() < 0.5 else len(content)
    return rng.randrange(max(end, 1))


def _flip_bits(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        changed[_place(content, rng)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _odd_number(content: bytes, rng: random.Random) -> bytes:
    place, width = _place(content, rng), rng.choice((1, 2, 4, 8))
    number = rng.choice(ODD_NUMBERS) & ((1 << (8 * width)) - 1)
    return content[:place] + number.to_bytes(width, rng.choice(("little", "big"))) + content[place + width :]


def _cut_off(content: bytes, rng: random.Random) -> bytes:
    return content[: _place(content, rng)]


def _leave_out(content: bytes, rng: random.Random) -> bytes:
    place = _place(content, rng)
    return content[:place] + content[place + rng.choice((1, 2, 4, 40, 400)) :]


def _repeat(content: bytes, rng: random.Random) -> bytes:
    place, length = _place(content, rng), rng.choice((1, 4, 40, 400))
    return content[: place + length] + content[place:]


def _odd_word(content: bytes, rng: random.Random) -> bytes:
    place = _place(content, rng)
    return content[:place] + rng.choice(ODD_WORDS) + content[place + rng.choice((0, 1, 4)) :]


def _noise(content: bytes, rng: random.Random) -> bytes:
    place, length = _place(content, rng), rng.choice((4, 16, 100))
    return content[:place] + rng.randbytes(length) + content[place + length :]


def _other_lines(content: bytes, rng: random.Random) -> bytes:
    lines = content.split(b"\n")
    rng.shuffle(lines)
    return b"\n".join(lines)


DAMAGES = (
    _flip_bits,
    _flip_bits,
    _odd_number,
    _odd_number,
    _cut_off,
    _leave_out,
    _repeat,
    _odd_word,
    _noise,
    _other_lines,
)

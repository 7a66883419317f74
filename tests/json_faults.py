"""Texts that are no json, or nearly the json that they were."""

import random

NO_JSON = {
    "lists": b"[" * 100_000,
    "objects": b'{"a":' * 100_000,
    "digits": b"1" * 100_000,
    "no utf-8": b"\xff\xfe",
    "null": b"null",
    "text": b'"text"',
    "large": b" " * 11_000_000,
}
PIECES = b'0123456789-.eE"{}[]:,\\ntrue'


def mutations(text: bytes, count: int, seed: int = 1):
    """Copies of a text in which a few bytes are changed, removed or put in."""
    chance = random.Random(seed)
    for _ in range(count):
        mutated = bytearray(text)
        for _ in range(chance.randint(1, 5)):
            at, old, new = chance.randrange(len(mutated)), chance.randint(0, 3), chance.randint(0, 3)
            mutated[at : at + old] = bytes(chance.choices(PIECES, k=new))
        yield bytes(mutated)

"""Flags that do not go together, and what typed values mean."""

import argparse

import pytest

from fs_sclimbic.cli.arguments import parse_flags
from fs_sclimbic.cli.flag_checks import refuse_long_dashes


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--i a.mgz --s b", "--i and --s exclude each other"),
        ("--i a.mgz --subjectsfile b", "--i and --subjectsfile exclude each other"),
        ("--o b.mgz", "give --i IMAGE"),
        ("--i a.mgz", "--i needs --o"),
        ("--s --write_tables", "--write_tables goes with --part"),
        ("--i a.mgz --o b.mgz --wait-for-recon-all", "--wait-for-recon-all goes with subjects"),
    ],
)
def test_what_does_not_go_together(line, words):
    with pytest.raises(argparse.ArgumentError, match=words):
        parse_flags(line.split())


def test_what_goes_together():
    args = parse_flags(["--subjectsfile", "x", "--part", "1/2", "--write_tables", "--wait-for-recon-all"])
    assert (args.s, args.subjectsfile, args.part) == (None, "x", "1/2")
    assert parse_flags(["--i", "a", "b", "--i", "c", "--o", "d"]).i == ["a", "b", "c"]
    assert parse_flags(["--s", "x", "--threads", "0"]).threads >= 1
    assert parse_flags(["--s", "x", "--cuda-device", "-1"]).cuda_device is None


def test_a_long_dash():
    with pytest.raises(argparse.ArgumentError, match="type a hyphen"):
        refuse_long_dashes(["\N{EN DASH}-i"])

"""What the command line accepts: all that the published tool accepts, abbreviated as scripts abbreviate it."""

import argparse

import pytest

from fs_sclimbic.cli.arguments import build_parser, parse_flags
from fs_sclimbic.cli.spelling import PUBLISHED_FLAGS
from fs_sclimbic.files.processors import count_processors


def test_published_flags_are_in_the_parser():
    text = build_parser().format_help()
    assert all(flag in text for flag in PUBLISHED_FLAGS)


def test_a_wrong_flag_is_not_lost_below_a_list_of_all_flags():
    assert len(build_parser().format_usage().splitlines()) <= 4


def test_help_has_the_most_used_groups_first():
    text = build_parser().format_help()
    places = [
        text.index(f"\n{title}:\n") for title in ("input and output", "image", "volumes", "running", "network", "model")
    ]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        (["--et"], "etiv", True),
        (["--no"], "no_cite_sclimbic", True),
        (["--cuda-device", "-1"], "cuda_device", None),
        (["--cuda-device", "0"], "cuda_device", "0"),
        ([], "cuda_device", None),
        (["--threads", "0"], "threads", count_processors()),
        (["--threads", "-1"], "threads", count_processors()),
        (["--threads", "3"], "threads", 3),
        ([], "threads", 1),
        (["--pt_model", "sclimbic.pth"], "model", "sclimbic.pth"),
        ([], "preset", "published"),
        (["--preset", "study"], "preset", "study"),
    ],
)
def test_values(line, field, value):
    assert getattr(parse_flags(["--i", "a.mgz", "--o", "b.mgz", *line]), field) == value


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["--i", "a.mgz", "--o", "b.mgz", "--sd", "subjects"], ["--sd subjects is not used with --i"]),
        (["--s", "bert", "--o", "seg.mgz"], ["--o seg.mgz is not used with --s"]),
        (["--s", "bert", "--sd", "subjects"], []),
        (["--i", "a.mgz", "--o", "b.mgz"], []),
    ],
)
def test_what_is_not_used_is_said_and_accepted(line, words):
    notes = parse_flags(line).notes
    assert len(notes) == len(words)
    assert all(note.startswith(word) for note, word in zip(notes, words, strict=True))


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (["--preset", "study", "--percentile", "95"], "--percentile"),
        (["--preset", "study", "--7T"], "--7T"),
        (["--preset", "study", "--average-shifts", "2"], "--average-shifts"),
        (["--preset", "study", "--full-fov"], "--full-fov"),
        (["--pt_model", "a.pth", "--model", "b.h5"], "--pt_model"),
        (["--average-shifts", "0"], "--average-shifts 0"),
        (["--average-shifts", "8"], "--average-shifts 8"),
        (["--average-shifts", "2", "--full-fov"], "--full-fov"),
        (["\N{EN DASH}i", "a.mgz"], "type a hyphen"),
    ],
)
def test_contradictions_are_refused(line, word):
    with pytest.raises(argparse.ArgumentError, match=word):
        parse_flags(["--s", "bert", *line])

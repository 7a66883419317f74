"""What is printed while cases run."""

from dataclasses import replace
from pathlib import Path

import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.images import image_case
from fs_sclimbic.cases.pipeline import Outcome
from fs_sclimbic.cli.progress import lines_of, say, show_progress

CASE = image_case(Path("t1.mgz"), Path("out/seg.mgz"), Requests())
DONE = Outcome(case=CASE, status="done", seconds=1.26, warnings=("look at it",))
SKIPPED = replace(DONE, status="skipped", warnings=())
FAILED = replace(SKIPPED, status="failed", message="t1.mgz: is blank", details="Traceback")


@pytest.mark.parametrize(
    ("outcome", "lines"),
    [
        (DONE, [("done", "[1/3] t1: done in 1.3 s: out/seg.mgz"), ("warning", "[1/3] t1: warning: look at it")]),
        (SKIPPED, [("skipped", "[1/3] t1: skipped, done before with the same settings: out/seg.mgz")]),
        (FAILED, [("failed", "[1/3] t1: failed: t1.mgz: is blank")]),
    ],
    ids=["done", "skipped", "failed"],
)
def test_lines_of_an_outcome(outcome, lines):
    assert list(lines_of(outcome, "[1/3]", debug=False)) == lines


def test_a_warning_is_printed_once():
    assert [kind for kind, _ in lines_of(DONE, "[1/3]", debug=False, told={("t1", "look at it")})] == ["done"]


def test_a_traceback_is_for_debugging():
    assert [text for _, text in lines_of(FAILED, "[1/3]", debug=True)][1:] == ["Traceback"]


@pytest.mark.parametrize("quiet", [False, True])
def test_failures_and_warnings_go_to_stderr_also_when_quiet(quiet, capsys):
    outcomes = [DONE, SKIPPED, FAILED]
    assert list(show_progress(iter(outcomes), 3, quiet)) == outcomes
    printed = capsys.readouterr()
    assert printed.err == "[1/3] t1: warning: look at it\n[3/3] t1: failed: t1.mgz: is blank\n"
    assert len(printed.out.splitlines()) == (0 if quiet else 2)


def test_say(capsys):
    say("hello")
    assert capsys.readouterr().out == "hello\n"

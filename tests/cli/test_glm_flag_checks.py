"""Flags of a group analysis that do not go together are refused in one line."""

import argparse

import pytest

from fs_sclimbic.cli.glm_arguments import build_parser
from fs_sclimbic.cli.glm_flag_checks import check_flags

WHOLE = "--table t.csv --fsgd g.fsgd --glmdir out"


def test_a_whole_command_passes():
    check_flags(build_parser().parse_args(WHOLE.split()))


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        ("--table t.csv --glmdir out", "must specify an input X file"),
        ("--fsgd g.fsgd --glmdir out", "must specify input y file"),
        ("--table t.csv --fsgd g.fsgd", "must specify GLM output dir"),
        (f"{WHOLE} --X x.txt", "cannot specify both X file and fsgd file"),
        (f"{WHOLE} --formula group", "--formula is a design of its own"),
        (f"{WHOLE} --covariates sex", "--covariates needs --participants"),
        (f"{WHOLE} --robust --permutations 10", "--permutations takes residuals"),
        (f"{WHOLE} --bootstrap 10", "expected 1000 or more"),
    ],
)
def test_what_does_not_go_together_is_refused(flags, word):
    with pytest.raises(argparse.ArgumentError, match=word):
        check_flags(build_parser().parse_args(flags.split()))

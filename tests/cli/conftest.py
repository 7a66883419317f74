"""Commands in process, as a user types them."""

import shlex

import pytest

from fs_sclimbic.cli.arguments import parse_flags
from fs_sclimbic.cli.guard import in_one_line
from fs_sclimbic.cli.run import run
from fs_sclimbic.cli.segment import main
from tests.cli.group_commands import refused, run_glm  # noqa: F401


@pytest.fixture
def run_seg(tiny_flags):
    """Run mri_sclimbic_seg with the tiny model: ``run_seg("--i A --o B")`` returns the exit status.

    ``model=False`` leaves the flags of the tiny model out. ``load_predictor`` and ``finders`` are given to
    `fs_sclimbic.cli.run.run`.
    """

    def run_line(line, *, model=True, **given):
        argv = [*shlex.split(line), *(tiny_flags if model else [])]
        if not given:
            return main(argv)
        return in_one_line("mri_sclimbic_seg", False, lambda: run(parse_flags(argv), argv, **given))

    return run_line

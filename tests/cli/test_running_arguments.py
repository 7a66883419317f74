import argparse

import pytest

from fs_sclimbic.cli.running_arguments import add_message_flags, add_running_flags


@pytest.fixture
def parser():
    made = argparse.ArgumentParser()
    add_running_flags(made.add_argument)
    add_message_flags(made.add_argument)
    return made


def test_by_default_one_process_runs_all_cases_in_one_thread(parser):
    args = parser.parse_args([])
    assert (args.threads, args.workers, args.dask, args.part) == (1, 1, None, None)
    assert (args.quiet, args.debug, args.write_tables) == (False, False, False)


def test_values(parser):
    args = parser.parse_args(["--threads", "0", "--workers", "4", "--part", "3/100", "--logfile", "run.log", "--quiet"])
    assert (args.threads, args.workers, args.part, args.logfile, args.quiet) == (0, 4, "3/100", "run.log", True)

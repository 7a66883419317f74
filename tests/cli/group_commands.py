"""Fixtures that run the commands of the group analysis, and say what they left."""

from dataclasses import dataclass

import pytest

from fs_sclimbic.cli.glm import main as glm


@dataclass(frozen=True)
class Ran:
    """What a command printed."""

    out: str
    err: str


@pytest.fixture
def run_glm(capsys):
    """Run ``fs_sclimbic glm`` with words of any kind; its exit status must be the one that is expected."""

    def run(*words, status=0):
        capsys.readouterr()
        found = glm([str(word) for word in words])
        printed = capsys.readouterr()
        assert found == status, printed.err
        assert "Traceback" not in printed.err
        return Ran(printed.out, printed.err)

    return run


@pytest.fixture
def refused(run_glm):
    """Run ``fs_sclimbic glm`` in vain; all words must be in its message, which is returned."""

    def run(argv, *words, status=1):
        error = run_glm(*argv, status=status).err
        for word in words:
            assert word in error, error
        return error

    return run

"""The run that the tests of cases belong to."""

import pytest

from fs_sclimbic.cases.run import Run


@pytest.fixture
def run(tiny_model):
    return Run(tiny_model, ("mri_sclimbic_seg", "--x"), threads=1)

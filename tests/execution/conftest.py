"""Jobs of the tiny model, for workers of all kinds."""

import pytest

from fs_sclimbic.cases.cohort import first_shared
from fs_sclimbic.cases.pipeline import HeadFinders
from fs_sclimbic.cases.run import Run
from fs_sclimbic.execution.case_job import CaseJob, ModelRequest
from fs_sclimbic.network.predictor import NetworkPredictor
from fs_sclimbic.segmentation.options import Options
from tests.cohorts import never, no_head


@pytest.fixture
def job_of(tiny_model):
    """A function that makes a job; by default of the tiny model, whose place in the head is never learned."""

    def make_job(*, spec=tiny_model, make=NetworkPredictor, locate=no_head, register=never, options=None):
        options = options or Options(full_fov=True)
        return CaseJob(
            shared=first_shared(Run(spec, ("test",), threads=1), options),
            options=options,
            model=ModelRequest(spec=spec, engine="openvino", make=make),
            finders=HeadFinders(locate, register),
        )

    return make_job

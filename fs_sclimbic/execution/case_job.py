"""What a worker is told with each case, and what it gives back: paths and settings, never models or volumes."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ..cases.case import Case
from ..cases.case_lock import HeldCases
from ..cases.case_picture import DrawPicture
from ..cases.cohort import DEFAULT_FINDERS, Shared, Steps, load_once, run_case, tell_nobody
from ..cases.pipeline import HeadFinders, Outcome
from ..errors import ModelError
from ..files.hashing import sha256_of
from ..network.predictor import NetworkPredictor
from ..network.spec import AUTO, PRECISIONS, ModelSpec
from ..network.structure_prior import StructurePrior
from ..segmentation.local_prediction import Predictor
from ..segmentation.options import Options

MakePredictor = Callable[..., Predictor]
"""Makes a predictor of a ModelSpec, with the keywords of `NetworkPredictor`; a worker must be able to import it."""


@dataclass(frozen=True, kw_only=True)
class ModelRequest:
    """How a worker loads its model."""

    spec: ModelSpec
    threads: int | None = 1
    """Processor threads of one worker's network."""
    device: str | None = None
    """Number of a CUDA device; None: the processor."""
    engine: str = AUTO
    precision: str = PRECISIONS[0]
    make: MakePredictor = NetworkPredictor

    def load(self) -> Predictor:
        """Read the weights and build the network.

        Returns
        -------
        Predictor

        Raises
        ------
        ModelError
            If the file of the weights is another one on the worker's machine.
        """
        spec = self.spec
        if sha256_of(spec.weights) != spec.sha256:
            raise ModelError(f"{spec.weights}: these are other weights than those the run was started with")
        return self.make(spec, threads=self.threads, device=self.device, engine=self.engine, precision=self.precision)

    @property
    def _key(self) -> tuple[object, ...]:
        spec = self.spec
        weights = (spec.weights, spec.sha256, spec.fov, spec.features)
        return (*weights, self.threads, self.device, self.engine, self.precision, self.make)


@dataclass(frozen=True, kw_only=True)
class CaseJob:
    """What all cases of a run share, as it travels to workers."""

    shared: Shared
    """Once the prior is known, the same for all further cases."""
    options: Options
    model: ModelRequest
    finders: HeadFinders = DEFAULT_FINDERS
    draw: DrawPicture | None = None
    """Draws the picture of a case; a worker must be able to import it."""


@dataclass(frozen=True, kw_only=True)
class EndedCase:
    """What a worker gives back."""

    outcome: Outcome
    prior: StructurePrior | None
    """The prior by which the case was run, or that was learned from it."""
    learns: bool
    """Whether a prior is still to be learned."""


class _Loaded(threading.local):
    """The model that this thread of a worker has loaded: engines are not made for two threads at once."""

    key: tuple[object, ...] | None = None
    load: Callable[[], Predictor] | None = None


_loaded = _Loaded()
_loading = threading.Lock()


def run_job(case: Case, job: CaseJob) -> EndedCase:
    """Run one case in a worker, with the model that the worker has loaded for an earlier case of the same run.

    Parameters
    ----------
    case : Case
    job : CaseJob

    Returns
    -------
    EndedCase

    Raises
    ------
    ModelError
        If the model cannot be loaded.
    """
    if _loaded.load is None or _loaded.key != job.model._key:
        _loaded.key, _loaded.load = job.model._key, load_once(partial(_load_alone, job.model))
    with HeldCases() as held:
        steps = Steps(_loaded.load, job.options, job.finders, tell_nobody, held, job.draw)
        outcome, shared = run_case(case, steps, job.shared)
    return EndedCase(outcome=outcome, prior=shared.run.spec.prior, learns=shared.learns)


def _load_alone(model: ModelRequest) -> Predictor:
    """Load a model while no other thread does: loading changes the process's surroundings for a moment."""
    with _loading:
        return model.load()


def after(job: CaseJob, ended: EndedCase) -> CaseJob:
    """The job of the next case: it knows the prior that was learned from this one.

    Parameters
    ----------
    job : CaseJob
    ended : EndedCase

    Returns
    -------
    CaseJob
    """
    run = job.shared.run
    run = replace(run, spec=replace(run.spec, prior=ended.prior))
    return replace(job, shared=Shared(run, ended.learns))


def at_host(job: CaseJob, host: str) -> CaseJob:
    """A job whose results say that they were made on a machine.

    Parameters
    ----------
    job : CaseJob
    host : str

    Returns
    -------
    CaseJob
    """
    return replace(job, shared=replace(job.shared, run=replace(job.shared.run, host=host)))


def absolute_case(case: Case) -> Case:
    """A case whose paths mean the same in every folder.

    Parameters
    ----------
    case : Case

    Returns
    -------
    Case
    """

    def absolute(path: Path | None) -> Path | None:
        return path.absolute() if path else None

    outputs = case.outputs
    return replace(
        case,
        t1=case.t1.absolute(),
        transforms=tuple(path.absolute() for path in case.transforms),
        outputs=replace(
            outputs,
            segmentation=outputs.segmentation.absolute(),
            record=outputs.record.absolute(),
            **{name: absolute(getattr(outputs, name)) for name in OPTIONAL_OUTPUTS},
            optional=tuple(path.absolute() for path in outputs.optional),
        ),
    )


OPTIONAL_OUTPUTS = ("ctab", "posteriors", "stats", "qa_stats", "xfm", "lta", "log")

"""One case on disk: read, segment, write; whatever goes wrong becomes its outcome."""

import json
import os
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError, ModelError, SclimbicError, TransformError, naming
from ..files.hashing import sha256_of, sha256_of_text
from ..files.resources import data_file
from ..files.staging import StagedFiles, encode_text
from ..files.system import now
from ..image.labels import format_ctab
from ..image.transforms import format_lta, format_xfm, read_transform
from ..image.volume import Volume, encode_volume, read_volume
from ..network.structure_prior import StructurePrior, format_prior
from ..registration.etiv import etiv_mm3, why_implausible
from ..registration.head_template import AVERAGE_HEAD
from ..registration.talairach import Registration, register
from ..segmentation.local_prediction import LocalPrediction, Predictor
from ..segmentation.measure import SegStats
from ..segmentation.segment import Options, Prepared, Segmentation, finish, look, prepare
from .case import Case
from .record import (
    Record,
    Settings,
    changed_files,
    changed_settings,
    format_record,
    is_done,
    read_record,
    same_settings,
    stale_files,
)
from .run import Run
from .stats_files import format_qa_stats, format_stats

Step = TypeVar("Step")


@dataclass(frozen=True)
class Outcome:
    """How one case ended."""

    case: Case
    status: Literal["done", "skipped", "failed"]
    seconds: float
    """Work on this case, without waiting for others."""
    message: str = ""
    """Why it failed, in one line."""
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """How it was done, for the log."""
    stats: SegStats | None = None
    """The numbers of a done or skipped case."""
    details: str = ""
    """Traceback of an error that is not the user's."""


@dataclass(frozen=True, eq=False)
class HeadSize:
    """Where a case's eTIV comes from; all empty where none is asked for."""

    etiv_mm3: float | None = None
    transform: Path | None = None
    """The file that was read, or will be written."""
    ras2mni: NDArray[np.float64] | None = None
    """Scanner RAS to MNI305, mm, to place the network's box by; None where it is in doubt."""
    registration: Registration | None = None
    """What was found in the image, where the transform was computed."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class OpenCase:
    """A case whose inputs are read."""

    case: Case
    settings: Settings
    record: Record | None
    """What an earlier run left."""
    head: HeadSize
    prepared: Prepared
    seconds: float


@dataclass(frozen=True, eq=False)
class PredictedCase:
    """A case on which the network has run."""

    open: OpenCase
    framed: LocalPrediction
    seconds: float
    notes: tuple[str, ...] = ()
    """What else is to be said of it in the log."""


def run_case(case: Case, get_predictor: Callable[[], Predictor], options: Options, run: Run) -> Outcome:
    """Read, segment and write one case; whatever goes wrong with it becomes its outcome.

    Parameters
    ----------
    case : Case
    get_predictor : callable
        Called when the inputs are read, so that the model is not loaded for files that are none.
    options : Options
    run : Run
        For the headers of the files.

    Raises
    ------
    ModelError
        If the model cannot be loaded: then no other case can be run either.
    """
    opened = open_case(case, options, run, run.spec.prior)
    seen = opened if isinstance(opened, Outcome) else predict_case(opened, get_predictor, options, run.spec.prior)
    return seen if isinstance(seen, Outcome) else close_case(seen, options, run)


def open_case(case: Case, options: Options, run: Run, prior: StructurePrior | None) -> OpenCase | Outcome:
    """Read the inputs of a case, unless it is done."""

    def action(seconds: Callable[[], float]) -> OpenCase | Outcome:
        if case.problem:
            return Outcome(case, "failed", seconds(), case.problem)
        head = _read_etiv(case, options)
        settings = settings_of(case, head.transform, run, options, prior)
        products, record = case.outputs.products(), read_record(case.outputs.record)
        if record is not None and not options.redo and is_done(record, settings, products):
            changed = tuple(
                f"{path}: is not what was written here and is left as it is; --redo makes it again"
                for path in changed_files(record, products)
            )
            return Outcome(case, "skipped", seconds(), warnings=changed, stats=record.stats)
        t1 = read_volume(case.t1)
        _check_writable(case)
        with naming(case.t1):
            if case.etiv_from_image:
                head = _compute_etiv(case, t1)
            prepared = prepare(t1, run.spec, options, prior, head.ras2mni)
        return OpenCase(case, settings, record, head, prepared, seconds())

    return _caught(case, action)


def predict_case(
    opened: OpenCase, get_predictor: Callable[[], Predictor], options: Options, prior: StructurePrior | None
) -> PredictedCase | Outcome:
    """Run the network on an open case."""

    def action(seconds: Callable[[], float]) -> PredictedCase:
        predictor = get_predictor()
        with naming(opened.case.t1):
            framed = look(opened.prepared, predictor, options, prior)
        return PredictedCase(opened, framed, seconds())

    return _caught(opened.case, action, opened.seconds)


def close_case(seen: PredictedCase, options: Options, run: Run) -> Outcome:
    """Measure a case and write its results."""
    opened = seen.open
    case, record = opened.case, opened.record

    def action(seconds: Callable[[], float]) -> Outcome:
        with naming(case.t1):
            result = finish(opened.prepared, seen.framed, run.spec, options, opened.head.etiv_mm3)
        current = (*case.outputs.products(), opened.head.transform)
        optional = [path for path in case.outputs.optional if path not in current]
        stale = tuple(
            f"{path} is of an earlier run with other settings"
            for path in stale_files(record, opened.settings, optional)
        )
        warnings = result.warnings + opened.head.warnings + stale
        write_outputs(opened, result, warnings, options, run)
        otherwise = changed_settings(record, opened.settings) if record is not None else []
        if otherwise:
            warnings = (
                *warnings,
                f"replaced an earlier result, made with other {', '.join(otherwise)}; tables that were not written now "
                "still hold its numbers",
            )
        work = opened.seconds + seen.seconds + seconds()
        return Outcome(case, "done", work, warnings=warnings, notes=result.notes + seen.notes, stats=result.stats)

    return _caught(case, action, opened.seconds + seen.seconds)


def _caught(case: Case, action: Callable[[Callable[[], float]], Step], before: float = 0.0) -> Step | Outcome:
    """Do one step of a case; whatever goes wrong with it becomes the case's outcome.

    The step may ask how long it has taken; the steps before it took ``before`` seconds.
    """
    start = time.monotonic()

    def failed(message: str, details: str = "") -> Outcome:
        return Outcome(case, "failed", before + time.monotonic() - start, message, details=details)

    try:
        return action(lambda: time.monotonic() - start)
    except ModelError:
        raise
    except SclimbicError as error:
        return failed(str(error))
    except OSError as error:
        return failed(f"{error.filename or case.t1}: {error.strerror or error}", traceback.format_exc())
    except Exception as error:  # a fault of ours must not cost the other cases
        summary = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        return failed(f"{case.t1}: unexpected {summary}", traceback.format_exc())


def _read_etiv(case: Case, options: Options) -> HeadSize:
    """eTIV from a transform on disk; empty where none is asked for, or it is computed."""
    if not case.transforms:
        return HeadSize()
    try:
        transform = _find_transform(case)
        ras2mni = read_transform(transform)
        with naming(transform):
            etiv = etiv_mm3(ras2mni)
    except TransformError as error:
        if not options.without_etiv:
            raise TransformError(f"{error}; or let such cases pass without eTIV (--no-etiv)") from error
        return HeadSize(warnings=(f"no eTIV: {error}",))
    implausible = why_implausible(etiv)
    if not implausible:
        return HeadSize(etiv, transform, ras2mni)
    return HeadSize(etiv, transform, warnings=(f"{transform}: {implausible}; check the transform in freeview",))


def _compute_etiv(case: Case, t1: Volume) -> HeadSize:
    """eTIV from the image; a doubtful one is kept, and said to be so."""
    found = register(t1)
    etiv = etiv_mm3(found.ras2mni)
    if not found.doubts:
        return HeadSize(etiv, case.outputs.xfm, found.ras2mni, found)
    warning = (
        f"ETIV (doubtful): eTIV of {etiv / 1000:.0f} cm^3 comes from a transform of which {'; '.join(found.doubts)}; "
        f"look at {case.outputs.xfm} in freeview, correct it there and give it with --tal, or leave this case out"
    )
    return HeadSize(etiv, case.outputs.xfm, registration=found, warnings=(warning,))


def _find_transform(case: Case) -> Path:
    found = next((path for path in case.transforms if path.is_file()), None)
    if found is None:
        looked = " or ".join(str(path) for path in case.transforms)
        raise TransformError(
            f"{looked}: no such transform to MNI305; make it (recon-all -talairach), give another --tal, or compute it "
            "(--etiv-from-image)"
        )
    return found


def _check_writable(case: Case) -> None:
    """Refuse before the network runs what could not be written after it."""
    for path in (*case.outputs.products(), case.outputs.record):
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            raise SclimbicError(f"{path}: {folder} cannot be written to; change its permissions or give another place")


def settings_of(
    case: Case, transform: Path | None, run: Run, options: Options, prior: StructurePrior | None = None
) -> Settings:
    """All that the numbers of a case depend on; equal settings give equal results."""
    spec = run.spec
    if not case.t1.is_file():
        raise ImageError(f"{case.t1}: image does not exist")
    return {
        "input_sha256": _hash_input(case.t1),
        "transform_sha256": _hash_input(transform) if transform else None,
        **({"average_head_sha256": sha256_of(data_file(*AVERAGE_HEAD))} if case.etiv_from_image else {}),
        "weights_sha256": spec.sha256,
        "fov": spec.fov,
        "features": spec.features,
        "channels": spec.channels,
        "colors": [[s.index, s.name, list(s.rgba)] for s in spec.colors],
        "conform": options.conform,
        "percentile": options.percentile,
        "voxel_counts": options.voxel_counts,
        "exclude": sorted(options.exclude),
        "full_fov": options.full_fov,
        "average_shifts": options.average_shifts,
        # Engines agree in float32 to rounding; in fewer bits each rounds its own way.
        "precision": run.precision if run.precision == "float32" else f"{run.precision} {run.engine}",
        **prior_setting(prior, options),
        "population": {name: [norm.mean, norm.std, norm.minimum] for name, norm in options.population.items()},
    }


def prior_setting(prior: StructurePrior | None, options: Options) -> Settings:
    """Where the structures lie in other heads, among the settings: islands far from there are not kept."""
    if prior is None or options.full_fov:
        return {"place_sha256": None}
    return {"place_sha256": sha256_of_text(json.dumps(format_prior(prior)))}


def _hash_input(path: Path) -> str:
    try:
        return sha256_of(path)
    except ModelError as error:
        raise ImageError(str(error)) from error


def write_outputs(
    opened: OpenCase, result: Segmentation, warnings: tuple[str, ...], options: Options, run: Run
) -> None:
    """Write all files of a case, together: whole or not at all; the stats late, the record last."""
    outputs, settings = opened.case.outputs, opened.settings
    provenance = provenance_lines(opened.case, opened.head, result.region, warnings, options, run)
    contents = {outputs.segmentation: encode_volume(result.labels, outputs.segmentation, result.colors)}
    if outputs.ctab:
        contents[outputs.ctab] = format_ctab(result.colors).encode()
    if outputs.xfm and outputs.lta and (found := opened.head.registration):
        contents[outputs.xfm] = format_xfm(found.ras2mni).encode()
        contents[outputs.lta] = format_lta(found.ras2mni).encode()
    if outputs.posteriors:
        contents[outputs.posteriors] = encode_volume(result.posteriors, outputs.posteriors)
    if outputs.qa_stats:
        contents[outputs.qa_stats] = encode_text(format_qa_stats(result.stats, options.population, provenance))
    if outputs.stats:
        contents[outputs.stats] = encode_text(format_stats(result.stats, provenance))
    hashes = {path.name: sha256(content).hexdigest() for path, content in contents.items()}
    before = read_record(outputs.record)
    if before is not None and same_settings(before, settings):
        hashes = {**before.files, **hashes}  # files that are not asked for this time are still of these settings
    record = Record(settings, result.stats, warnings, hashes, tuple(provenance))
    with StagedFiles() as staged:
        for path, content in contents.items():
            staged.write(path, content)
        staged.write(outputs.record, encode_text(format_record(record)))
        # From here until the last rename the case counts as not done.
        outputs.record.unlink(missing_ok=True)


def _how_registered(found: Registration) -> str:
    kind = "brain without a head: eTIV is good to 10 % or so" if found.stripped else "whole head"
    return f"Transform computed from the image ({kind}), score {found.score:.3f}"


def provenance_lines(
    case: Case, head: HeadSize, region: str, warnings: tuple[str, ...], options: Options, run: Run
) -> list[str]:
    """The header lines of this case's stats files."""
    top = "the maximum" if options.percentile is None else f"percentile {options.percentile:g} of the non-zero voxels"
    return [
        f"subjectname {case.name}",
        f"CreationTime {now()}",
        *run.lines(),
        f"InputFile {case.t1.absolute()}",
        *([f"TransformFile {head.transform.absolute()}"] if head.transform else []),
        *([_how_registered(found)] if (found := head.registration) else []),
        f"IntensityRange minimum to {top}",
        f"Region {region}",
        *([f"Posteriors averaged over {options.average_shifts} starts"] if options.average_shifts > 1 else []),
        f"Volumes from {'voxel counts' if options.voxel_counts else 'posteriors'}",
        *(f"Warning {warning}" for warning in warnings),
    ]

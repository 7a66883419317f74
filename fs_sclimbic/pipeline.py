"""One case on disk: read, segment, write; whatever goes wrong becomes its outcome."""

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .errors import ImageError, ModelError, SclimbicError, TransformError
from .etiv import PLAUSIBLE_MM3, etiv_mm3
from .labels import format_ctab
from .measure import SegStats
from .model import ModelSpec, sha256_of
from .provenance import Run, now
from .qa import format_qa_stats
from .record import Record, Settings, format_record, is_done, read_record
from .segmentation import Options, Predictor, Segmentation, segment
from .staging import StagedFiles
from .stats import format_stats
from .subject import Case
from .volume import encode_volume, read_volume
from .xfm import read_transform


@dataclass(frozen=True)
class Outcome:
    """How one case ended."""

    case: Case
    status: Literal["done", "skipped", "failed"]
    seconds: float
    message: str = ""
    """Why it failed, in one line."""
    warnings: tuple[str, ...] = ()
    stats: SegStats | None = None
    """The numbers of a done or skipped case."""
    details: str = ""
    """Traceback of an error that is not the user's."""


def run_case(case: Case, get_predictor: Callable[[], Predictor], options: Options, run: Run) -> Outcome:
    """Read, segment and write one case; whatever goes wrong with it becomes its outcome.

    Parameters
    ----------
    case : Case
    get_predictor : callable
        Called when the inputs are read and sound, so that the model is not loaded for nothing.
    options : Options
    run : Run
        For the headers of the files.

    Raises
    ------
    ModelError
        If the model cannot be loaded: then no other case can be run either.
    """
    start = time.monotonic()
    try:
        if case.problem:
            raise ImageError(case.problem)
        transform = _find_transform(case)
        settings = settings_of(case, transform, run.spec, options)
        record = read_record(case.outputs.record)
        if record is not None and not options.redo and is_done(record, settings, case.outputs.products()):
            return Outcome(case, "skipped", time.monotonic() - start, stats=record.stats, warnings=record.warnings)
        t1 = read_volume(case.t1)
        etiv = None if transform is None else etiv_mm3(read_transform(transform))
        result = segment(t1, get_predictor(), options, etiv_mm3=etiv)
        warnings = result.warnings + _etiv_warnings(etiv)
        write_outputs(case, result, warnings, transform, settings, options, run)
        return Outcome(case, "done", time.monotonic() - start, warnings=warnings, stats=result.stats)
    except ModelError:
        raise
    except SclimbicError as error:
        return Outcome(case, "failed", time.monotonic() - start, _with_file(case, str(error)))
    except OSError as error:
        return Outcome(
            case,
            "failed",
            time.monotonic() - start,
            f"{error.filename or case.t1}: {error.strerror or error}",
            details=traceback.format_exc(),
        )
    except Exception as error:  # a fault of ours must not cost the other cases
        summary = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        return Outcome(
            case, "failed", time.monotonic() - start, f"{case.t1}: unexpected {summary}", details=traceback.format_exc()
        )


def _with_file(case: Case, message: str) -> str:
    """Errors about pixels do not know their file; every line a user sees names one."""
    known = (str(case.t1), *(str(path) for path in case.transforms), str(case.t1.parents[1]))
    return message if any(name in message for name in known) else f"{case.t1}: {message}"


def _find_transform(case: Case) -> Path | None:
    if not case.transforms:
        return None
    found = next((path for path in case.transforms if path.is_file()), None)
    if found is None:
        looked = " and ".join(str(path) for path in case.transforms)
        raise TransformError(
            f"no transform to MNI305 for eTIV (looked for {looked}); make it (recon-all -talairach), "
            "name it with --tal, or use --no-etiv"
        )
    return found


def _etiv_warnings(etiv: float | None) -> tuple[str, ...]:
    if etiv is None or PLAUSIBLE_MM3[0] <= etiv <= PLAUSIBLE_MM3[1]:
        return ()
    return (
        f"eTIV of {etiv / 1000:.0f} cm^3 is not that of a head "
        f"({PLAUSIBLE_MM3[0] / 1000:.0f}-{PLAUSIBLE_MM3[1] / 1000:.0f}); "
        "check the transform in freeview",
    )


def settings_of(case: Case, transform: Path | None, spec: ModelSpec, options: Options) -> Settings:
    """All that the numbers of a case depend on; equal settings give equal results."""
    if not case.t1.is_file():
        raise ImageError(f"{case.t1}: image does not exist")
    return {
        "input_sha256": _hash_input(case.t1),
        "transform_sha256": _hash_input(transform) if transform else None,
        "weights_sha256": spec.sha256,
        "fov": spec.fov,
        "features": spec.features,
        "channels": spec.channels,
        "colors": [[s.index, s.name, list(s.rgba)] for s in spec.colors],
        "conform": options.conform,
        "percentile": options.percentile,
        "voxel_counts": options.voxel_counts,
        "exclude": sorted(options.exclude),
        "population": {name: [norm.mean, norm.std, norm.minimum] for name, norm in options.population.items()},
    }


def _hash_input(path: Path) -> str:
    try:
        return sha256_of(path)
    except ModelError as error:
        raise ImageError(str(error)) from error


def write_outputs(
    case: Case,
    result: Segmentation,
    warnings: tuple[str, ...],
    transform: Path | None,
    settings: Settings,
    options: Options,
    run: Run,
) -> None:
    """Write all files of a case, together: whole or not at all; the stats late, the record last."""
    outputs = case.outputs
    provenance = provenance_lines(case, transform, warnings, options, run)
    record = Record(
        settings, result.stats, warnings, tuple(path.name for path in outputs.products()), tuple(provenance)
    )
    with StagedFiles() as staged:
        staged.write(outputs.segmentation, encode_volume(result.labels, outputs.segmentation, result.colors))
        if outputs.ctab:
            staged.write(outputs.ctab, format_ctab(result.colors).encode())
        if outputs.posteriors:
            staged.write(outputs.posteriors, encode_volume(result.posteriors, outputs.posteriors))
        if outputs.qa_stats:
            staged.write(outputs.qa_stats, format_qa_stats(result.stats, options.population, provenance).encode())
        if outputs.stats:
            staged.write(outputs.stats, format_stats(result.stats, provenance).encode())
        staged.write(outputs.record, format_record(record).encode())
        # From here until the last rename the case counts as not done.
        outputs.record.unlink(missing_ok=True)


def provenance_lines(
    case: Case, transform: Path | None, warnings: tuple[str, ...], options: Options, run: Run
) -> list[str]:
    """The header lines of this case's stats files."""
    top = "the maximum" if options.percentile is None else f"percentile {options.percentile:g} of the non-zero voxels"
    return [
        f"subjectname {case.name}",
        f"CreationTime {now()}",
        *run.lines(),
        f"InputFile {case.t1}",
        *([f"TransformFile {transform}"] if transform else []),
        f"IntensityRange minimum to {top}",
        f"Volumes from {'voxel counts' if options.voxel_counts else 'posteriors'}",
        *(f"Warning {warning}" for warning in warnings),
    ]

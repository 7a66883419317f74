"""One image, from start to end: read, conform, predict, clean, measure, write."""

import logging
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from .conform import conform, is_isotropic_1mm, reorient_ras, resample_nearest, scale_intensities
from .errors import ImageError, ModelError, SclimbicError, TransformError
from .etiv import PLAUSIBLE_MM3, etiv_mm3
from .labels import ColorTable, format_ctab
from .measure import SegStats, label_image, measure
from .model import ModelSpec, sha256_of
from .postprocess import CROP_MARGIN, clean_posteriors, to_voxel_size
from .provenance import Run, now
from .qa import Population, flag_messages, format_qa_stats, read_population
from .record import Record, Settings, format_record, is_done, read_record
from .staging import StagedFiles
from .stats import format_stats
from .subject import Case
from .volume import Grid, Volume, encode_volume, read_volume
from .xfm import read_transform

logger = logging.getLogger(__name__)

ANTERIOR_COMMISSURE = 853

COARSE_VOXEL_MM = 1.5
HOT_VOXEL_RATIO = 4.0
EDGE_MM = 8


class Predictor(Protocol):
    """A model with its weights loaded."""

    spec: ModelSpec

    def predict(self, conformed: Volume) -> Volume:
        """Posteriors of a conformed image.

        Parameters
        ----------
        conformed : Volume
            float32 in [0, 1], shape (fov, fov, fov), 1 mm, RAS.

        Returns
        -------
        Volume
            float32 softmax on the same grid, shape (fov, fov, fov, labels).
        """


@dataclass(frozen=True)
class Options:
    """How a case is computed and measured."""

    conform: bool = False
    """Accept images that are not 1 mm isotropic."""
    percentile: float | None = None
    """Top of the intensity range, as a percentile of the non-zero voxels; None: the maximum."""
    voxel_counts: bool = False
    """Volumes from voxel counts instead of posteriors."""
    exclude: frozenset[int] = frozenset({ANTERIOR_COMMISSURE})
    """SegIds left out of stats and tables (never out of the image)."""
    population: Population = field(default_factory=read_population)
    """Norms for z scores and flags."""
    redo: bool = False
    """Run cases again that are done."""


@dataclass(frozen=True, eq=False)
class Segmentation:
    """The result for one image."""

    labels: Volume
    """int32 SegIds on the grid of the T1."""
    posteriors: Volume
    """float32, shape (x, y, z, labels), cropped to the structures, RAS, at the T1's voxel size."""
    stats: SegStats
    colors: ColorTable
    warnings: tuple[str, ...]
    """What a reader of the numbers should know, one line each."""


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


def segment(t1: Volume | str | PathLike[str], model: Predictor, options: Options | None = None, *,
            etiv_mm3: float | None = None) -> Segmentation:
    """Segment one image.

    Parameters
    ----------
    t1 : Volume or path-like
        One T1-weighted head, whole or brain-extracted; any orientation; 1 mm isotropic, or any voxel size
        with ``options.conform``.
    model : Predictor
        From `fs_sclimbic.load_model`.
    options : Options, optional
    etiv_mm3 : float, optional
        Estimated total intracranial volume to put into the stats (see `fs_sclimbic.etiv_mm3`).

    Returns
    -------
    Segmentation

    Raises
    ------
    ImageError
        If the image cannot be read, is blank, has voxels that are not finite, is not 1 mm without
        ``conform``, or shows no structure at all.
    """
    options = options or Options()
    image = t1 if isinstance(t1, Volume) else read_volume(t1)
    if not options.conform and not is_isotropic_1mm(image.grid):
        sizes = " x ".join(f"{size:.4g}" for size in image.grid.voxel_size_mm)
        raise ImageError(f"voxels are {sizes} mm, expected 1 mm isotropic (within 0.01 mm); use --conform to resample")
    conformed = conform(scale_intensities(image, options.percentile), model.spec.fov)
    network_posteriors = model.predict(conformed)
    clean = clean_posteriors(network_posteriors)
    if clean is None:
        raise ImageError(f"no structure found in the {model.spec.fov} mm box about the image centre; "
                         "is it a T1-weighted head, upright by its header and near the centre of the field of view?")
    posteriors = to_voxel_size(clean, image.grid.voxel_size_mm)
    stats = measure(posteriors, model.spec.colors, exclude=options.exclude, voxel_counts=options.voxel_counts, etiv_mm3=etiv_mm3)
    labels = resample_nearest(label_image(posteriors, model.spec.colors), image.grid)
    warnings = (*_image_warnings(image, options), *_edge_warnings(image.grid, conformed.grid, clean.grid),
                *flag_messages(stats, options.population))
    return Segmentation(labels, posteriors, stats, model.spec.colors, warnings)


def _image_warnings(image: Volume, options: Options) -> list[str]:
    warnings = []
    if not any(image.grid.xform_codes):
        warnings.append("the header does not say how the head lies (no qform, sform or goodRASFlag): left and right may be swapped")
    if image.grid.voxel_size_mm.max() > COARSE_VOXEL_MM:
        warnings.append(f"voxels of {image.grid.voxel_size_mm.max():.3g} mm: the published numbers are for about 1 mm, small structures may be lost")
    if options.percentile is None:
        bright = float(np.percentile(image.data[image.data != 0], 99.9))
        if bright > 0 and image.data.max() > HOT_VOXEL_RATIO * bright:
            warnings.append(f"the brightest voxel is {image.data.max() / bright:.1f} times the 99.9th percentile and squeezes all others; "
                            "consider --percentile 99.9")
    return warnings


def _edge_warnings(image: Grid, box: Grid, structures: Grid) -> list[str]:
    """Structures near a face of the box beyond which the image goes on: the box may have cut them."""
    upright = reorient_ras(Volume(np.broadcast_to(np.uint8(0), image.shape), image)).grid
    goes_on = upright.voxel_size_mm * upright.shape > np.array(box.shape) + 1
    first = (np.linalg.inv(box.vox2ras) @ structures.vox2ras[:, 3])[:3] + CROP_MARGIN
    last = first + structures.shape - 2 * CROP_MARGIN
    near = goes_on & ((first < EDGE_MM) | (last > np.array(box.shape) - EDGE_MM))
    if not near.any():
        return []
    axes = ", ".join(name for name, is_near in zip(("left-right", "front-back", "top-bottom"), near, strict=True) if is_near)
    return [f"labels lie within {EDGE_MM} mm of the edge of the {box.shape[0]} mm box ({axes}), which lies about the image centre: "
            "structures may be cut; centre the head in the field of view and run again"]


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
        return Outcome(case, "failed", time.monotonic() - start, f"{error.filename or case.t1}: {error.strerror or error}",
                       details=traceback.format_exc())
    except Exception as error:  # a fault of ours must not cost the other cases
        summary = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        return Outcome(case, "failed", time.monotonic() - start, f"{case.t1}: unexpected {summary}", details=traceback.format_exc())


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
        raise TransformError(f"no transform to MNI305 for eTIV (looked for {looked}); make it (recon-all -talairach), "
                             "name it with --tal, or use --no-etiv")
    return found


def _etiv_warnings(etiv: float | None) -> tuple[str, ...]:
    if etiv is None or PLAUSIBLE_MM3[0] <= etiv <= PLAUSIBLE_MM3[1]:
        return ()
    return (f"eTIV of {etiv / 1000:.0f} cm^3 is not that of a head ({PLAUSIBLE_MM3[0] / 1000:.0f}-{PLAUSIBLE_MM3[1] / 1000:.0f}); "
            "check the transform in freeview",)


def settings_of(case: Case, transform: Path | None, spec: ModelSpec, options: Options) -> Settings:
    """All that the numbers of a case depend on; equal settings give equal results."""
    if not case.t1.is_file():
        raise ImageError(f"{case.t1}: image does not exist")
    return {
        "input_sha256": _hash_input(case.t1), "transform_sha256": _hash_input(transform) if transform else None,
        "weights_sha256": spec.sha256, "fov": spec.fov, "features": spec.features, "channels": spec.channels,
        "colors": [[s.index, s.name, list(s.rgba)] for s in spec.colors], "conform": options.conform,
        "percentile": options.percentile, "voxel_counts": options.voxel_counts, "exclude": sorted(options.exclude),
        "population": {name: [norm.mean, norm.std, norm.minimum] for name, norm in options.population.items()}}


def _hash_input(path: Path) -> str:
    try:
        return sha256_of(path)
    except ModelError as error:
        raise ImageError(str(error)) from error


def write_outputs(case: Case, result: Segmentation, warnings: tuple[str, ...], transform: Path | None,
                  settings: Settings, options: Options, run: Run) -> None:
    """Write all files of a case, together: whole or not at all; the stats late, the record last."""
    outputs = case.outputs
    provenance = provenance_lines(case, transform, warnings, options, run)
    record = Record(settings, result.stats, warnings, tuple(path.name for path in outputs.products()), tuple(provenance))
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


def provenance_lines(case: Case, transform: Path | None, warnings: tuple[str, ...], options: Options, run: Run) -> list[str]:
    """The header lines of this case's stats files."""
    top = "the maximum" if options.percentile is None else f"percentile {options.percentile:g} of the non-zero voxels"
    return [f"subjectname {case.name}", f"CreationTime {now()}", *run.lines(), f"InputFile {case.t1}",
            *([f"TransformFile {transform}"] if transform else []),
            f"IntensityRange minimum to {top}",
            f"Volumes from {'voxel counts' if options.voxel_counts else 'posteriors'}",
            *(f"Warning {warning}" for warning in warnings)]

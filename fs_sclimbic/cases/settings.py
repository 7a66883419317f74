"""The settings of a case: all that its numbers depend on. Equal settings give equal results."""

import json
from dataclasses import dataclass
from pathlib import Path

from ..errors import ImageError, ModelError
from ..files.content import find_problem
from ..files.hashing import sha256_of, sha256_of_text
from ..files.resources import data_file
from ..network.structure_prior import StructurePrior, format_prior
from ..registration.head_template import AVERAGE_HEAD
from ..segmentation.options import Options
from .case import Case
from .record import Settings
from .run import Run


@dataclass(frozen=True)
class InputHashes:
    """SHA-256 of the files that a case is computed from, hexadecimal."""

    t1: str
    transform: str | None = None
    """None where no transform is read."""
    average_head: str | None = None
    """None where no transform is computed."""

    def by_path(self, case: Case, transform: Path | None) -> dict[Path, str]:
        """The hashes of the user's files: the image, and the transform that eTIV is taken from.

        Parameters
        ----------
        case : Case
        transform : Path or None
            As it was given to `hash_inputs`.

        Returns
        -------
        dict of Path to str
        """
        return {case.t1: self.t1, **({transform: self.transform} if transform and self.transform else {})}


def hash_inputs(case: Case, transform: Path | None) -> InputHashes:
    """Hash the files that a case is computed from.

    Parameters
    ----------
    case : Case
    transform : Path or None
        The transform that eTIV is taken from.

    Returns
    -------
    InputHashes

    Raises
    ------
    ImageError
        If a file cannot be read.
    """
    if problem := find_problem(case.t1, "image"):
        raise ImageError(problem)
    try:
        return InputHashes(
            sha256_of(case.t1),
            sha256_of(transform) if transform else None,
            sha256_of(data_file(*AVERAGE_HEAD)) if case.etiv_from_image else None,
        )
    except ModelError as error:
        raise ImageError(str(error)) from error


def settings_of(inputs: InputHashes, run: Run, options: Options) -> Settings:
    """All that the numbers of a case depend on.

    Parameters
    ----------
    inputs : InputHashes
    run : Run
    options : Options

    Returns
    -------
    Settings
    """
    return {
        "input_sha256": inputs.t1,
        "transform_sha256": inputs.transform,
        **({"average_head_sha256": inputs.average_head} if inputs.average_head else {}),
        "conform": options.conform,
        **run_settings(run, options),
        **prior_setting(run.spec.prior, options),
    }


def run_settings(run: Run, options: Options) -> Settings:
    """The settings that are the same for all cases of a run, whatever their images are.

    Parameters
    ----------
    run : Run
    options : Options

    Returns
    -------
    Settings
    """
    spec = run.spec
    return {
        "weights_sha256": spec.sha256,
        "fov": spec.fov,
        "features": spec.features,
        "channels": spec.channels,
        "colors": [[s.index, s.name, list(s.rgba)] for s in spec.colors],
        "percentile": options.percentile,
        "voxel_counts": options.voxel_counts,
        "exclude": sorted(options.exclude),
        "full_fov": options.full_fov,
        "average_shifts": options.average_shifts,
        # Only where they are not the published ones: records of published runs stay as they were.
        **({} if options.low_percentile is None else {"low_percentile": options.low_percentile}),
        **({"size_tolerance_voxels": options.size_tolerance_voxels} if options.size_tolerance_voxels else {}),
        # Engines agree in float32 up to rounding; with fewer bits each rounds in its own way.
        "precision": run.precision if run.precision == "float32" else f"{run.precision} {run.engine}",
        "population": {name: [norm.mean, norm.std, norm.minimum] for name, norm in options.population.items()},
    }


def prior_setting(prior: StructurePrior | None, options: Options) -> Settings:
    """The setting for where the structures lie in other heads: islands far from there are not kept.

    Parameters
    ----------
    prior : StructurePrior or None
    options : Options

    Returns
    -------
    Settings
        With one key.
    """
    if prior is None or options.full_fov:
        return {"place_sha256": None}
    return {"place_sha256": sha256_of_text(json.dumps(format_prior(prior)))}

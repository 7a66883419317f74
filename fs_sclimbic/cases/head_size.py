"""eTIV of a case: from a transform on disk, or from one that is computed from the image."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import TransformError, naming
from ..image.transforms import read_transform
from ..image.volume import Volume
from ..registration.etiv import etiv_mm3
from ..registration.plausibility import find_transform_doubts
from ..registration.talairach import Registration
from ..segmentation.flag import Flag
from .case import Case

DOUBTFUL_ETIV = "ETIV (doubtful): "
"""Begins the warning of a computed transform that is in doubt."""

Register = Callable[[Volume], Registration]
"""Computes the transform of a head to MNI305, as `registration.talairach.register` does."""


@dataclass(frozen=True, eq=False)
class HeadSize:
    """Where a case's eTIV comes from; all empty where none is asked for."""

    etiv_mm3: float | None = None
    transform: Path | None = None
    """The file that was read, or will be written."""
    ras2mni: NDArray[np.float64] | None = None
    """Scanner RAS to MNI305, 4 x 4, mm, to place the network's box by; None where it is in doubt."""
    registration: Registration | None = None
    """What was found in the image, where the transform was computed."""
    warnings: tuple[str, ...] = ()
    doubts: str = ""
    """What tells that the transform is not that of this head; empty for a sound one."""

    @property
    def flags(self) -> tuple[Flag, ...]:
        """``ETIV``, if the transform is in doubt."""
        return (etiv_flag(self.doubts, self.etiv_mm3),) if self.doubts else ()


def etiv_flag(doubts: str, etiv_mm3: float | None) -> Flag:
    """The flag of a doubtful eTIV.

    Parameters
    ----------
    doubts : str
        Why, in one line.
    etiv_mm3 : float or None

    Returns
    -------
    Flag
    """
    reason = f"eTIV is doubtful: {doubts}"
    return Flag(kind="ETIV", severity="look", reason=reason, value=etiv_mm3)


def read_head_size(case: Case, *, without_etiv: bool) -> HeadSize:
    """Read the transform of a case, and take eTIV from it.

    Parameters
    ----------
    case : Case
    without_etiv : bool
        Let the case pass without eTIV if its transform is missing or unusable.

    Returns
    -------
    HeadSize
        Empty where no eTIV is asked for, or it is computed from the image.

    Raises
    ------
    TransformError
        If the transform is missing or unusable.
    """
    if not case.transforms:
        return HeadSize()
    try:
        transform = _find_transform(case)
        ras2mni = read_transform(transform)
        with naming(transform):
            etiv = etiv_mm3(ras2mni)
    except TransformError as error:
        if not without_etiv:
            raise TransformError(f"{error}; or let such cases pass without eTIV (--no-etiv)") from error
        return HeadSize(warnings=(f"no eTIV: {error}",))
    doubts = "; ".join(find_transform_doubts(ras2mni))
    if not doubts:
        return HeadSize(etiv, transform, ras2mni)
    warning = f"{transform}: {doubts}; check the transform in freeview"
    return HeadSize(etiv, transform, warnings=(warning,), doubts=doubts)


def compute_head_size(case: Case, t1: Volume, register: Register) -> HeadSize:
    """Compute the transform from the image, and eTIV from it; a doubtful one is kept, with a warning.

    Parameters
    ----------
    case : Case
    t1 : Volume
    register : callable
        Computes the transform.

    Returns
    -------
    HeadSize

    Raises
    ------
    ImageError
        If no head is found.
    TransformError
        If the transform is singular or mirrors left and right.
    """
    found = register(t1)
    etiv = etiv_mm3(found.ras2mni)
    if not found.doubts:
        return HeadSize(etiv, case.outputs.xfm, found.ras2mni, found)
    doubts = "; ".join(found.doubts)
    warning = (
        f"{DOUBTFUL_ETIV}eTIV of {etiv / 1000:.0f} cm^3 comes from a transform of which {doubts}; "
        f"look at {case.outputs.xfm} in freeview, correct it there and give it with --tal, or leave this case out"
    )
    return HeadSize(etiv, case.outputs.xfm, registration=found, warnings=(warning,), doubts=doubts)


def _find_transform(case: Case) -> Path:
    candidates = [path for path in case.transforms if os.path.lexists(path)]
    # A link without content is named by the reader, unless there is another transform.
    found = next((path for path in candidates if os.path.isfile(path)), next(iter(candidates), None))
    if found is None:
        looked = " or ".join(str(path) for path in case.transforms)
        raise TransformError(
            f"{looked}: no such transform to MNI305; make it (recon-all -talairach), give another --tal, or compute it "
            "(--etiv-from-image)"
        )
    return found

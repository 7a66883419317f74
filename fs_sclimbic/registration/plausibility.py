"""Whether a transform to MNI305, or the eTIV that comes from it, can be that of a head."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .etiv import ATLAS_FACTOR_MM3, MIN_DETERMINANT

PLAUSIBLE_ETIV_MM3 = (7e5, 2.5e6)
MAX_STRETCH_RATIO = 1.3
"""Largest over smallest stretch: 1.04 to 1.22 in 66 images of 55 heads, 1.06 to 1.21 in 13 pairs of recon-all."""
MAX_SHEAR_DEG = 15.0
"""Between two axes and a right angle, after the transform: 1 to 10 in 16 transforms of recon-all."""
RIGID_TOLERANCE = 1e-3
"""Of stretches from 1. No head has the size of the atlas along all its axes."""
SAME_ETIV_MM3 = 1.0


def why_implausible(etiv_mm3: float) -> str:
    """Why an eTIV (mm^3) is not that of a head; empty for a plausible one."""
    if abs(etiv_mm3 - ATLAS_FACTOR_MM3) <= SAME_ETIV_MM3:
        return f"intracranial volume of {etiv_mm3 / 1000:.0f} cm^3 is that of the atlas: the transform scales nothing"
    low, high = PLAUSIBLE_ETIV_MM3
    if low <= etiv_mm3 <= high:
        return ""
    return (
        f"intracranial volume of {etiv_mm3 / 1000:.0f} cm^3 is not that of a head ({low / 1000:.0f}-{high / 1000:.0f})"
    )


def find_transform_doubts(ras2mni: NDArray[np.float64]) -> Iterator[str]:
    """Find reasons why a transform is not that of a head.

    Parameters
    ----------
    ras2mni : ndarray, shape (4, 4)
        Scanner RAS (mm) to MNI305 RAS (mm).

    Yields
    ------
    str
        What was found, and what is expected; nothing for a sound transform.
    """
    linear = np.asarray(ras2mni, np.float64)[:3, :3]
    if not np.isfinite(linear).all():
        yield "it holds numbers that are not finite"
        return
    determinant = float(np.linalg.det(linear))
    if abs(determinant) < MIN_DETERMINANT:
        yield "it is singular"
        return
    if determinant < 0:
        yield "it mirrors left and right"
    stretches = np.linalg.svd(linear, compute_uv=False)
    if np.abs(stretches - 1).max() < RIGID_TOLERANCE:
        yield (
            "it scales nothing, as the identity that pipelines write where they have no registration: the intracranial "
            f"volume of {ATLAS_FACTOR_MM3 / 1000:.0f} cm^3 is that of the atlas"
        )
        return
    yield from find_distortions(linear)
    if implausible := why_implausible(ATLAS_FACTOR_MM3 / abs(determinant)):
        yield implausible


def find_distortions(linear: NDArray[np.float64]) -> Iterator[str]:
    """Find stretch and shear that no head needs.

    Parameters
    ----------
    linear : ndarray, shape (3, 3)
        With an inverse.

    Yields
    ------
    str
    """
    stretches = np.linalg.svd(linear, compute_uv=False)
    ratio = float(stretches[0] / max(stretches[-1], 1e-6))
    if ratio > MAX_STRETCH_RATIO:
        yield f"it is stretched {ratio:.2f} times more along one axis than another (sound: up to {MAX_STRETCH_RATIO})"
    axes = linear / np.maximum(np.linalg.norm(linear, axis=0), 1e-12)
    cosines = np.abs((axes.T @ axes)[np.triu_indices(3, 1)])
    shear_deg = float(np.degrees(np.arcsin(np.clip(cosines.max(), 0, 1))))
    if shear_deg > MAX_SHEAR_DEG:
        yield f"it shears by {shear_deg:.0f} degrees (sound: up to {MAX_SHEAR_DEG:.0f})"

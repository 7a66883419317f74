"""Estimated total intracranial volume from a Talairach transform."""

import numpy as np
from numpy.typing import NDArray

from ..errors import TransformError

ATLAS_FACTOR_MM3 = 1948106.0
"""Buckner et al. 2004, NeuroImage 23:724-738: head volume in atlas space, calibrated on manual ICV."""

MIN_DETERMINANT = 1e-6
"""Below, the matrix is singular or mirrors left and right."""


def etiv_mm3(ras2ras: NDArray[np.float64]) -> float:
    """eTIV of a head from its affine to MNI305.

    Parameters
    ----------
    ras2ras : ndarray, shape (4, 4)
        The subject's scanner RAS (mm) to MNI305 (talairach.xfm), mm.

    Returns
    -------
    float
        mm^3; the more the head must be enlarged to fill the atlas, the smaller it is.

    Raises
    ------
    TransformError
        If the matrix is singular or mirrors left and right.
    """
    linear = np.asarray(ras2ras, np.float64)[:3, :3]
    determinant = float(np.linalg.det(linear)) if np.isfinite(linear).all() else float("nan")
    if not determinant > MIN_DETERMINANT:
        raise TransformError(
            f"the transform to MNI305 has determinant {determinant:.6g}; a head needs one near 1.3. "
            "Make it again (talairach_avi)"
        )
    return ATLAS_FACTOR_MM3 / determinant

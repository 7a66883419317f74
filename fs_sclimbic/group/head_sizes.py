"""Doubts about head sizes over subjects: an eTIV that is not a head's, a head that differs in every measure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ..registration.etiv import ATLAS_FACTOR_MM3
from ..registration.plausibility import PLAUSIBLE_ETIV_MM3, SAME_ETIV_MM3, why_implausible
from .text_files import listed

Array = NDArray[np.float64]

FEWEST_SUBJECTS, FEWEST_MEASURES, FEWEST_EQUAL = 10, 4, 3
"""With fewer no subject is compared with the others, and no equal eTIVs are doubted."""
MIN_RATIO = 1.25
"""Ratio of a doubtful head to the others: a voxel size that is wrong by 10 % makes 1.33."""
MIN_ETIV_RATIO = 1.15
MIN_DEVIATIONS, CHANCE = 2.5, 0.003
"""And so many robust standard deviations of that ratio (as a logarithm) over subjects; more in a large cohort, where
some subject is so far out by chance."""
MAX_BRAIN_SHARE = 0.9
"""Of the brain's volume in eTIV; above, a talairach registration has failed (FastSurfer issue 378)."""
UNITS_MM3 = (1e3, 1e6)
"""cm^3 and litres."""
MAX_NEGATIVE_SHARE = 0.1
"""Of the values of a measurement that is above 0 by its nature; of more it is none."""
MAD_TO_SD = 1.4826
"""Standard deviation of a normal distribution / its median absolute deviation."""


def is_signed(columns: Array) -> NDArray[np.bool_]:
    """(k,): which columns of an (n, k) table hold differences or z scores: many of their values are below 0."""
    values = np.asarray(columns, np.float64)
    return np.asarray((values < 0).sum(axis=0) > MAX_NEGATIVE_SHARE * len(values), bool)


def without_scaling(etiv: Array) -> NDArray[np.bool_]:
    """(n,): where eTIV (mm^3) is that of a transform that changes no size, such as an identity."""
    return np.abs(np.asarray(etiv, np.float64) - ATLAS_FACTOR_MM3) <= SAME_ETIV_MM3


def about_identity(names: Sequence[str], etiv: Array) -> str:
    """What is wrong with eTIVs of transforms that change no size.

    Parameters
    ----------
    names : sequence of str
        n subjects.
    etiv : (n,) array
        In mm^3.

    Returns
    -------
    str
        Empty if there is none.
    """
    found = [name for name, is_so in zip(names, without_scaling(etiv), strict=True) if is_so]
    if not found:
        return ""
    return (
        f"eTIV is {ATLAS_FACTOR_MM3:.0f} for {listed(found)}: their talairach.xfm changes no size (an identity?), so "
        "that this is no measurement; register them again (talairach_avi, or fs_sclimbic etiv)"
    )


def in_other_unit(etiv: Array) -> NDArray[np.bool_]:
    """(n,): where eTIV is that of a head in cm^3 or litres, beside others in mm^3."""
    low, high = PLAUSIBLE_ETIV_MM3
    size = np.asarray(etiv, np.float64)
    smaller = [(size * factor >= low) & (size * factor <= high) for factor in UNITS_MM3]
    is_in_mm3 = (size >= low) & (size <= high)
    return np.asarray(np.any(smaller, axis=0) & is_in_mm3.any(), bool)


def etiv_doubts(names: Sequence[str], etiv: Array) -> list[str]:
    """Doubts about the eTIV of subjects.

    Parameters
    ----------
    names : sequence of str
        n subjects.
    etiv : (n,) array
        In mm^3.

    Returns
    -------
    list of str
        One line a kind: transforms that change no size, the same value for everybody, another unit, values that are no
        head's.
    """
    doubts = [about_identity(names, etiv)]
    others = ~without_scaling(etiv)
    if others.all() and len(names) >= FEWEST_EQUAL and np.ptp(etiv) == 0:
        doubts.append(f"eTIV is {etiv[0]:g} for everybody")
    if in_other_unit(etiv).any():
        mixed = [
            f"{name} ({size:g})" for name, size, is_so in zip(names, etiv, in_other_unit(etiv), strict=True) if is_so
        ]
        doubts.append(f"eTIV is in another unit than mm^3 (cm^3, litres?) for {listed(mixed)}; write all rows in mm^3")
    others &= ~in_other_unit(etiv)
    odd = [f"{name} ({size:g})" for name, size, other in zip(names, etiv, others, strict=True)
           if other and why_implausible(float(size))]  # fmt: skip
    if odd:
        doubts.append(
            f"eTIV is not that of a head (expected about 1.5e6 mm^3) for {listed(odd)}; look at their talairach.xfm"
        )
    return [doubt for doubt in doubts if doubt]


def brain_doubts(names: Sequence[str], brain: Array, etiv: Array) -> list[str]:
    """Doubts about an eTIV that hardly holds the brain.

    Parameters
    ----------
    names : sequence of str
        n subjects.
    brain : (n,) array
        BrainSegVol of aseg.stats, mm^3.
    etiv : (n,) array
        In mm^3.

    Returns
    -------
    list of str
        A line, or nothing.
    """
    shares = zip(names, brain / np.where(etiv > 0, etiv, np.nan), strict=True)
    odd = [f"{name} ({share:.2f})" for name, share in shares if share > MAX_BRAIN_SHARE]
    if not odd:
        return []
    return [
        f"BrainSegVol is more than {MAX_BRAIN_SHARE:g} of eTIV for {listed(odd)}: eTIV is too small; look at their "
        "talairach.xfm"
    ]


def size_doubts(names: Sequence[str], volumes: Array, etiv: Array | None = None) -> list[str]:
    """Doubts about subjects who are larger or smaller than the others in every measure.

    Parameters
    ----------
    names : sequence of str
        n subjects.
    volumes : (n, k) array
        Of structures, in one unit. Structures that are 0 in some subject are not looked at.
    etiv : (n,) array, optional

    Returns
    -------
    list of str
        A line on those that are smaller, a line on those that are larger.

    Notes
    -----
    A voxel size that is wrong by 10 to 20 % in each direction makes every volume, and eTIV, 1.3 to 1.7 times as large.
    Real heads differ too, but seldom all measures alike: a subject is doubted if every structure and eTIV differ to
    one side, eTIV by `MIN_ETIV_RATIO`, and the median structure and eTIV on average by `MIN_RATIO` and by so many
    deviations that about one cohort in fifty has such a subject by chance. A factor of 1.33 is near to what heads
    differ by: in cohorts of 40, where volumes vary by 15 and eTIV by 9 %, a voxel size that is wrong by 10, 15, 20 % is
    found in 29, 74, 94 %, in those of 1000 in 9, 59, 91 %.
    """
    volumes = volumes[:, (volumes > 0).all(axis=0)]
    if volumes.shape[0] < FEWEST_SUBJECTS or volumes.shape[1] < FEWEST_MEASURES:
        return []
    relative = np.log(volumes / np.median(volumes, axis=0))
    ratio = size = np.median(relative, axis=1)
    if etiv is not None and (etiv > 0).all():
        # A wrong voxel size changes both alike, so that their mean tells it from a large head better than either.
        head = np.log(etiv / np.median(etiv))
        size = (size + head) / 2
    else:
        head = None
    spread = MAD_TO_SD * float(np.median(np.abs(size - np.median(size))))
    deviations = max(MIN_DEVIATIONS, float(special.ndtri(1 - CHANCE / (2 * len(size)))))
    limit = max(np.log(MIN_RATIO), deviations * spread)
    doubts = []
    for sign, word in ((-1, "smaller"), (1, "larger")):
        is_odd = (sign * size >= limit) & (sign * relative > 0).all(axis=1)
        if head is not None:
            is_odd &= sign * head >= np.log(MIN_ETIV_RATIO)
        odd = [f"{names[int(i)]} ({np.exp(ratio[i]):.2f} times)" for i in np.flatnonzero(is_odd)]
        if odd:
            doubts.append(
                f"{word} than the others in every measure, as if the voxel size of the image were wrong: "
                f"{listed(odd)}; look at the header of the T1"
            )
    return doubts

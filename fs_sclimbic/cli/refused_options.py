"""Options of asegstats2table that fs_sclimbic table refuses, each with the reason."""

import argparse
from collections.abc import Sequence

NOT_HELD = {
    **dict.fromkeys(("mean", "std", "max", "snr"), "intensities, which the stats files here do not hold"),
    "Area_mm2": "an area of the surface, which the stats files here do not hold",
}
"""Measures of asegstats2table and aparcstats2table that have no column here."""
REFUSED = {
    "stiv": "divides by SegmentedTotalIntracranialVol, which the stats files here do not hold; --etiv gives percent of "
    "eTIV",
    "append": "puts a second table into one file, which no analysis reads; name all subjects at once, or write a "
    "second --tablefile",
}


def refused_option(argv: Sequence[str] | None) -> str | None:
    """Why an option of asegstats2table that is not here is refused.

    Parameters
    ----------
    argv : sequence of str, optional
        By default the words of the command line.

    Returns
    -------
    str or None
        None if there is no such option.
    """
    scan = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    scan.add_argument("-m", "--meas", nargs="?", action="append", default=[])
    for name in REFUSED:
        scan.add_argument(f"--{name}", nargs="?", action="append", default=[])
    found, _ = scan.parse_known_args(argv)
    for name, reason in REFUSED.items():
        if getattr(found, name):
            return f"--{name} {reason}"
    measure = next((word for word in found.meas if word in NOT_HELD), None)
    if measure is None:
        return None
    return f"--meas {measure} takes {NOT_HELD[measure]}; take volume, nvoxels, confidence or z"

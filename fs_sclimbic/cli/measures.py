"""The numbers of one case on the screen."""

from ..segmentation.measure import SegStats

COLUMNS = ("SegId", "StructName", "NVoxels", "Volume_mm3", "Confidence")


def measure_lines(stats: SegStats) -> list[str]:
    """A table of the structures as lines of text, and eTIV if there is one.

    Parameters
    ----------
    stats : SegStats

    Returns
    -------
    list of str
    """
    rows = [
        (
            str(row.structure.index),
            row.structure.name,
            str(row.n_voxels),
            f"{row.volume_mm3:.1f}",
            f"{row.confidence:.2f}",
        )
        for row in stats.structures
    ]
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    lines = ["  ".join(_place(cells, widths)).rstrip() for cells in (COLUMNS, *rows)]
    etiv = [] if stats.etiv_mm3 is None else [f"eTIV {stats.etiv_mm3:.0f} mm^3"]
    return [*(f"  {line}" for line in lines), *(f"  {line}" for line in etiv)]


def _place(cells: tuple[str, ...], widths: list[int]) -> list[str]:
    """Names to the left, numbers to the right."""
    return [
        cell.ljust(width) if title == "StructName" else cell.rjust(width)
        for title, cell, width in zip(COLUMNS, cells, widths, strict=True)
    ]

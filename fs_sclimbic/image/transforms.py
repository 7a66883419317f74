"""Read and write linear transforms between scanner spaces: MNI .xfm and FreeSurfer .lta.

Inside the package a transform is one thing: a 4 x 4 float64 matrix from the source's scanner RAS (mm)
to the target's scanner RAS (mm).
"""

from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import TransformError
from ..files.content import ContentError, quote_text, read_small_file

VOX_TO_VOX, RAS_TO_RAS = 0, 1
"""The two LTA types that carry a scanner-space transform; the numbers are FreeSurfer's."""
ROW_NUMBERS = 4
MIN_VOXEL_VOLUME_MM3 = 1e-9


def read_transform(path: str | PathLike[str]) -> NDArray[np.float64]:
    """Read an .xfm or .lta file.

    Parameters
    ----------
    path : path-like
        ``*.xfm`` (MNI text) or ``*.lta`` (LTA, RAS-to-RAS or voxel-to-voxel).

    Returns
    -------
    ndarray, shape (4, 4)
        Source scanner RAS (mm) to target scanner RAS (mm).

    Raises
    ------
    TransformError
        If the file is missing, of another kind, or incomplete.
    """
    file = Path(path)
    readers = {".xfm": parse_xfm, ".lta": parse_lta}
    if file.suffix.lower() not in readers:
        raise TransformError(f"{file}: expected a transform that ends in .xfm or .lta; convert it with lta_convert")
    try:
        content = read_small_file(file, noun="transform")
    except ContentError as error:
        raise TransformError(f"{file}: {error}") from error
    text = content.decode("utf-8-sig", "replace")  # comments may have any encoding
    return readers[file.suffix.lower()](text, str(file))


def parse_xfm(text: str, source: str = "xfm") -> NDArray[np.float64]:
    """Read the matrix of an MNI transform file: three rows after ``Linear_Transform =``, ended by ``;``.

    Some programs write a ``;`` behind each row.

    Parameters
    ----------
    text : str
        The file's content.
    source : str
        The file's name, for messages.

    Returns
    -------
    ndarray, shape (4, 4)
        Source scanner RAS (mm) to target scanner RAS (mm).

    Raises
    ------
    TransformError
        If the text is of another kind, incomplete, or holds several transforms.
    """
    uncommented = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("%"))
    if not uncommented.lstrip().startswith("MNI Transform File") or "Linear_Transform" not in uncommented:
        raise TransformError(
            f"{source}: expected an 'MNI Transform File' with a 'Linear_Transform =', make it again (talairach_avi)"
        )
    after = uncommented.split("Linear_Transform", 1)[1].lstrip().removeprefix("=")
    if uncommented.count("Transform_Type") > 1 or uncommented.count("Linear_Transform") > 1:
        raise TransformError(f"{source}: holds several transforms; expected one (concatenate them with xfmconcat)")
    parts = after.split(";")
    rows, end = parts[:1], parts[1:]
    if all(len(part.split()) == ROW_NUMBERS for part in parts[:3]):
        rows, end = parts[:3], parts[3:]
    if not end:
        raise TransformError(f"{source}: the three rows of Linear_Transform must end with ';': the file is cut off")
    matrix = np.vstack([_numbers(" ".join(rows), (3, 4), source), [0, 0, 0, 1]])
    inverted = any(line.replace(" ", "").lower() == "invert_flag=true;" for line in uncommented.splitlines())
    return _inverse(matrix, source) if inverted else matrix


def parse_lta(text: str, source: str = "lta") -> NDArray[np.float64]:
    """Read the RAS-to-RAS matrix of an LTA; a voxel-to-voxel one is converted with the two grids in the file.

    Parameters
    ----------
    text : str
        The file's content.
    source : str
        The file's name, for messages.

    Returns
    -------
    ndarray, shape (4, 4)
        Source scanner RAS (mm) to target scanner RAS (mm).

    Raises
    ------
    TransformError
        If the text is of another kind, incomplete, or lacks the grids that it needs.
    """
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    values = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines) if value.strip()}
    start = next((i for i, line in enumerate(lines) if line.split() == ["1", "4", "4"]), None)
    if start is None or values.get("nxforms", "1") != "1":
        raise TransformError(f"{source}: expected an LTA with one 4 x 4 matrix (a line '1 4 4')")
    matrix = _numbers(" ".join(lines[start + 1 : start + 5]), (4, 4), source)
    if not np.allclose(matrix[3], [0, 0, 0, 1]):
        raise TransformError(f"{source}: the last row of the matrix is not 0 0 0 1; make the transform again")
    kind = values.get("type", "")
    if kind == str(RAS_TO_RAS):
        return matrix
    if kind != str(VOX_TO_VOX):
        raise TransformError(
            f"{source}: LTA of type {quote_text(kind)}; expected 0 (voxel-to-voxel) or 1 (RAS-to-RAS); "
            "convert it with lta_convert --outlta"
        )
    where = {
        name: next((i for i, line in enumerate(lines) if line == f"{name} volume info"), -1) for name in ("src", "dst")
    }
    if min(where.values()) < 0:
        raise TransformError(f"{source}: a voxel-to-voxel LTA needs 'src volume info' and 'dst volume info'")
    moving, fixed = (_lta_vox2ras(lines[where[name] + 1 :], f"{source} ({name})") for name in ("src", "dst"))
    with np.errstate(all="ignore"):
        ras2ras = fixed @ matrix @ _inverse(moving, source)
    if not np.isfinite(ras2ras).all():
        raise TransformError(f"{source}: its numbers are too large for a transform of a head; make it again")
    return np.asarray(ras2ras, np.float64)


def _lta_vox2ras(lines: list[str], source: str) -> NDArray[np.float64]:
    """vox2ras of a 'volume info' block: FreeSurfer's c_ras belongs to voxel shape / 2."""
    block: dict[str, str] = {}
    for line in lines:
        key, equals, value = (part.strip() for part in line.partition("="))
        if key and not equals:
            break
        block[key] = value
    if block.get("valid", "1").split()[:1] != ["1"]:
        raise TransformError(f"{source}: the volume info is marked invalid, a voxel-to-voxel LTA cannot be used")
    needed = ("volume", "voxelsize", "xras", "yras", "zras", "cras")
    missing = [key for key in needed if key not in block]
    if missing:
        raise TransformError(f"{source}: volume info lacks {', '.join(missing)}")
    shape, size, *axes, centre = (_numbers(block[key].replace(",", " "), (3,), source) for key in needed)
    vox2ras = np.eye(4)
    with np.errstate(all="ignore"):
        vox2ras[:3, :3] = np.column_stack(axes) * size
        vox2ras[:3, 3] = centre - vox2ras[:3, :3] @ (shape / 2)
        without_volume = not abs(np.linalg.det(vox2ras)) >= MIN_VOXEL_VOLUME_MM3
    if without_volume:
        raise TransformError(f"{source}: the volume info describes a grid without volume")
    return vox2ras


def _inverse(matrix: NDArray[np.float64], source: str) -> NDArray[np.float64]:
    try:
        return np.asarray(np.linalg.inv(matrix), np.float64)
    except np.linalg.LinAlgError as error:
        raise TransformError(f"{source}: the matrix is singular; make the transform again") from error


def _numbers(text: str, shape: tuple[int, ...], source: str) -> NDArray[np.float64]:
    try:
        numbers = np.array([float(word) for word in text.split()])
    except ValueError as error:
        raise TransformError(f"{source}: expected numbers, found {quote_text(text)}") from error
    if numbers.size != np.prod(shape) or not np.isfinite(numbers).all():
        raise TransformError(
            f"{source}: expected {np.prod(shape)} finite numbers, found {numbers.size}: {quote_text(text)}"
        )
    return numbers.reshape(shape)


def format_xfm(ras2ras: NDArray[np.float64]) -> str:
    """An MNI transform file as text.

    Parameters
    ----------
    ras2ras : ndarray, shape (4, 4)
        Source scanner RAS (mm) to target scanner RAS (mm).
    """
    rows = "\n".join(" ".join(repr(float(value)) for value in row) for row in np.asarray(ras2ras)[:3])
    return f"MNI Transform File\n% fs_sclimbic\n\nTransform_Type = Linear;\nLinear_Transform = \n{rows};\n"


def format_lta(ras2ras: NDArray[np.float64]) -> str:
    """A RAS-to-RAS LTA as text, without volume info (which a RAS-to-RAS transform does not need)."""
    rows = "\n".join(" ".join(f"{value:.16e}" for value in row) for row in np.asarray(ras2ras))
    invalid = "".join(f"{name} volume info\nvalid = 0  # volume info invalid\n" for name in ("src", "dst"))
    head = (
        f"type      = {RAS_TO_RAS} # LINEAR_RAS_TO_RAS\nnxforms   = 1\nmean      = 0.0 0.0 "
        "0.0\nsigma     = 1.0\n1 4 4\n"
    )
    return f"{head}{rows}\n{invalid}"

"""The files of mri_glmfit --table: images, tables and matrices of a fit, put in place as one folder."""

import io
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import scipy.io

from ...errors import DesignError, SclimbicError, TableError
from ...files.staging import encode_text
from ...image.volume import IMAGE_SUFFIXES, Grid, Volume, encode_volume
from ..design.contrast import Contrast
from ..design.matrix_files import format_matrix
from ..fit.glm import Array, Fit
from ..fit.results import GroupResult
from ..fit.study import Study
from .effect_rows import ADJUSTED_MEANS
from .folder_exchange import check_place, restore_folder, write_beside, write_folder
from .glm_files import NOTICES
from .methods import METHODS
from .report import REPORT
from .reproduction import SCRIPT_FILES

LOG = "mri_glmfit.log"
TABLES = ("sig.table.dat", "gamma.table.dat", "input.table.dat")
IMAGES = ("beta", "rvar", "rstd", "yhat", "eres", "cond", "mask", "sar1")
FILES = (
    LOG,
    "Xg.dat",
    "X.mat",
    "dof.dat",
    *TABLES,
    "y.fsgd",
    NOTICES,
    REPORT,
    METHODS,
    *SCRIPT_FILES,
    ADJUSTED_MEANS,
    "fwhm.dat",
)
"""What lies in the folder of a fit, ours or the original's; with anything else in it a folder is not replaced."""
CONTRAST_MARK = "C.dat"
"""Every contrast's folder holds this file."""
CONTRAST_FILES = re.compile(
    r"(C|maxvox|efficiency)\.dat|(gamma|gammavar|cnr|F|sig|z|pcc)\.(mgh|mgz|nii|nii\.gz)|sig\..*\.mgh"
    r"|(results(_rows|_each)?|influence|effects)\.tsv|(forest|schematic|structures(_\d+)?)\.(png|pdf|svg)"
)
"""And nothing else than these."""


@dataclass(frozen=True, kw_only=True)
class TreeOptions:
    """Which of the files are wanted, and how."""

    suffix: str = ".mgh"
    """Of the images: .mgh, .mgz, .nii or .nii.gz."""
    yhat: bool = False
    eres: bool = False
    cond: bool = False
    unsigned_sig: bool = False
    """Leave the sign out of sig.table.dat, as mri_glmfit does since March 2023; sig.mgh keeps it there too."""


DEFAULT_OPTIONS = TreeOptions()


def format_table(measure: str, columns: Sequence[str], rows: Sequence[str], values: Array) -> str:
    """A table as mri_glmfit writes it: 33 characters of the row's name, three decimals, a blank at the end.

    Parameters
    ----------
    measure : str
        First cell.
    columns : sequence of str
        k names.
    rows : sequence of str
        n names.
    values : (n, k) array

    Returns
    -------
    str
    """
    lines = [f"{measure:<33s} " + "".join(f"{name} " for name in columns)]
    for name, row in zip(rows, values, strict=True):
        lines.append(f"{name:<33s} " + "".join(f"{value:7.3f} " for value in row))
    return "\n".join(lines) + "\n"


def sig_table(study: Study, results: Sequence[GroupResult], *, unsigned: bool = False) -> str:
    """The text of sig.table.dat: structures in rows, contrasts in columns.

    Parameters
    ----------
    study : Study
    results : sequence of GroupResult
        One a contrast.
    unsigned : bool
        Leave the sign out.

    Returns
    -------
    str
    """
    empty = np.zeros((len(study.structures), 0))
    sig = np.column_stack([result.test.sig for result in results]) if results else empty
    names = [result.contrast.name for result in results]
    return format_table(study.measure, names, study.structures, np.abs(sig) if unsigned else sig)


def tree_files(
    study: Study, fit: Fit, results: Sequence[GroupResult], *, seed: int, options: TreeOptions = DEFAULT_OPTIONS
) -> dict[str, bytes]:
    """The files of a fit, by their path within the folder.

    Parameters
    ----------
    study : Study
        Of n subjects and m structures.
    fit : Fit
    results : sequence of GroupResult
        One a contrast.
    seed : int
        For maxvox.dat.
    options : TreeOptions

    Returns
    -------
    dict of str to bytes

    Raises
    ------
    DesignError
        If two contrasts share a name (their files would overwrite each other), or a name cannot be a folder's.
    """
    check_names([result.contrast for result in results])
    structures = study.structures
    files: dict[str, bytes] = {}

    def image(name: str, frames: Array) -> None:
        path = f"{name}{options.suffix}"
        files[path] = encode_volume(_volume(frames), path)

    files["Xg.dat"] = encode_text(format_matrix(fit.design))
    files["X.mat"] = _matlab4(fit.design)
    files["dof.dat"] = encode_text(f"{fit.dof}\n")
    image("beta", fit.beta)
    image("rvar", fit.residual_variance[None])
    image("rstd", fit.residual_sd[None])
    if options.yhat:
        image("yhat", fit.fitted)
    if options.eres:
        image("eres", fit.residuals)
    if options.cond:
        image("cond", np.full((1, len(structures)), np.linalg.cond(fit.inverse)))
    files["input.table.dat"] = encode_text(format_table(study.measure, structures, study.subjects, study.table))
    gamma = np.column_stack([result.test.gamma[0] for result in results]) if results else np.zeros((len(structures), 0))
    names = [result.contrast.name for result in results]
    files["gamma.table.dat"] = encode_text(format_table(study.measure, names, structures, gamma))
    files["sig.table.dat"] = encode_text(sig_table(study, results, unsigned=options.unsigned_sig))
    for result in results:
        _add_contrast(files, image, result, seed)
    return files


def _add_contrast(
    files: dict[str, bytes], add_image: Callable[[str, Array], None], result: GroupResult, seed: int
) -> None:
    """Add the files of one contrast, in its own folder."""
    name, test = result.contrast.name, result.test
    files[f"{name}/{CONTRAST_MARK}"] = encode_text(format_matrix(result.contrast.matrix))
    files[f"{name}/efficiency.dat"] = encode_text(f"{test.efficiency:g}\n")
    add_image(f"{name}/gamma", test.gamma)
    if test.is_t:
        add_image(f"{name}/gammavar", test.row_variance)
        add_image(f"{name}/cnr", np.where(test.testable, test.cnr, 0.0))
    add_image(f"{name}/F", test.f[None])
    add_image(f"{name}/sig", test.sig[None])
    add_image(f"{name}/z", test.z[None])
    top = int(np.argmax(np.abs(test.sig)))
    line = f"{test.sig[top]:e}  {test.f[top]:e}    {top} 0 0     {seed}\n"
    files[f"{name}/maxvox.dat"] = encode_text(line)


def check_names(contrasts: Sequence[Contrast]) -> None:
    """Refuse contrasts whose names cannot be folders beside each other."""
    seen: dict[str, str] = {}
    taken = {name.lower() for name in (*FILES, *(f"{i}{s}" for i in IMAGES for s in IMAGE_SUFFIXES))}
    for contrast in contrasts:
        name = contrast.name
        if name.lower() in seen:  # not every file system tells upper from lower case
            raise DesignError(
                f"two contrasts are named '{seen[name.lower()]}' and '{name}': their results would overwrite each "
                "other; rename one (the name is the file's name, or stands before the first number of its FSGD tag)"
            )
        if not name or name.startswith(".") or "/" in name or os.sep in name or "\0" in name or name.lower() in taken:
            raise DesignError(f"contrast name '{name}' cannot name a folder of results; rename it")
        seen[name.lower()] = name


def _volume(frames: Array) -> Volume:
    """Structures along the first axis, 1 mm apart; frames last."""
    # What float32 cannot hold becomes its largest number: infinity would poison every mean of the image.
    most = float(np.finfo(np.float32).max)
    data = np.clip(frames, -most, most).astype(np.float32).T[:, None, None, :]
    data = data[..., 0] if data.shape[3] == 1 else data
    return Volume(data, Grid(data.shape[:3], np.eye(4)))  # type: ignore[arg-type]


def _matlab4(matrix: Array) -> bytes:
    content = io.BytesIO()
    scipy.io.savemat(content, {"X": matrix}, format="4")
    return content.getvalue()


def check_replaceable(folder: str | PathLike[str]) -> tuple[str, ...]:
    """What would be removed where results are put.

    A folder that a killed process left under another name gets its name again first.

    Returns
    -------
    tuple of str
        Names of the contrasts of an earlier fit.

    Raises
    ------
    TableError
        If the folder holds something that is no result of a fit, is a file, or cannot be replaced.
    """
    path = Path(folder)
    restore_folder(path)
    if not path.exists():
        _check_place(path)
        return ()
    if not path.is_dir():
        raise TableError(f"{path}: output must be a folder, found a file; give another --glmdir")
    if os.path.ismount(path) or path.resolve() == Path.cwd():  # neither can be moved away
        kind = "a mount point" if os.path.ismount(path) else "the current folder"
        raise TableError(f"{path}: is {kind}, and the output folder is replaced as a whole; give a folder inside it")
    entries = sorted(path.iterdir())
    own = {*FILES, *(f"{image}{suffix}" for image in IMAGES for suffix in IMAGE_SUFFIXES)}
    strange = []
    for entry in entries:
        if entry.is_dir() and (entry / CONTRAST_MARK).is_file():
            strange += [f"{entry.name}/{f.name}" for f in entry.iterdir() if not CONTRAST_FILES.fullmatch(f.name)]
        elif entry.name not in own:
            strange.append(entry.name)
    if entries and (strange or not (path / LOG).is_file()):
        found = ", ".join(strange[:5]) or ", ".join(entry.name for entry in entries[:5])
        raise TableError(
            f"{path}: the output folder is replaced as a whole and may hold an earlier fit ({LOG}) alone; found "
            f"{found}; give a new --glmdir, or move these away"
        )
    _check_place(path)
    return tuple(entry.name for entry in entries if (entry / CONTRAST_MARK).is_file())


def _check_place(path: Path) -> None:
    try:
        check_place(path)
    except OSError as error:
        place = "the output folder is made beside its final place and then moved there"
        raise TableError(
            f"{path}: {place}, which is not possible here ({error.strerror}); give another --glmdir"
        ) from error


def write_tree(folder: str | PathLike[str], files: Mapping[str, bytes]) -> None:
    """Write all files into a new folder beside the final one and move it there: whole or not at all.

    An earlier fit is replaced as a whole, so that no contrast of it stays behind; see `check_replaceable`.

    Parameters
    ----------
    folder : path-like
    files : mapping
        Content by path within the folder, with ``/``.

    Raises
    ------
    TableError
        As for `check_replaceable`; the files are in another folder then, which the message names.
    OSError
        If the folder cannot be written.
    """
    try:
        check_replaceable(folder)
    except SclimbicError as error:  # it was fine before the fit, which may have taken hours
        raise type(error)(f"{error}; {write_beside(folder, files)}") from error
    write_folder(folder, files)

"""Text files around a fit: design matrices and weights that come in, the log and y.fsgd that go out."""

import platform
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from ..._version import __version__
from ...files.system import current_folder, now, user_name, versions
from ...notice import Notice
from ..design.design import Design
from ..fit.glm import Array

MANY_DIGITS = 1e6
"""From here on six digits say less than a unit."""
NOTICES = "notices.tsv"
LIBRARIES = ("numpy", "scipy", "nibabel", "matplotlib")


@dataclass(frozen=True, kw_only=True)
class LogFacts:
    """What the log of mri_glmfit tells."""

    program: str
    command: Sequence[str]
    table: str
    """Absolute path."""
    glmdir: str
    fsgd: str | None = None
    matrix: str | None = None
    weights: str | None = None
    one_sample: bool = False
    logarithm: bool = False
    ill_conditioned_ok: bool = False
    n_structures: int = 0
    notes: Sequence[str] = ()
    """What was printed about the design and the data."""


def notice_line(notice: Notice) -> str:
    """A notice as a line of the log, and of the screen."""
    return f"warning: {notice.text}" if notice.severity == "warning" else notice.text


def format_notices(notices: Sequence[Notice]) -> str:
    """The text of notices.tsv: all that was said about the study, with its severity."""
    lines = [f"{notice.severity}\t{notice.text.translate(_BLANKS)}" for notice in notices]
    return "\n".join(["severity\tnotice", *lines]) + "\n"


_BLANKS = str.maketrans("\t\n\r", "   ")


def format_log(facts: LogFacts) -> str:
    """The text of mri_glmfit.log: the lines of the original that mean something here, then ours."""
    system = platform.uname()
    lines = [
        "",
        f"fs_sclimbic {__version__}",
        f"cwd {current_folder()}",
        f"cmdline {shlex.join(facts.command)} ",
        f"sysname  {system.system}",
        f"hostname {system.node}",
        f"machine  {system.machine}",
        f"user     {user_name()}",
        f"OneSampleGroupMean {int(facts.one_sample)}",
        f"y    {facts.table}",
        f"logyflag {int(facts.logarithm)}",
        *([f"X    {facts.matrix}"] if facts.matrix else []),
        "usedti  0",
        *([f"FSGD {facts.fsgd}"] if facts.fsgd else []),
        f"glmdir {facts.glmdir}",
        f"IllCondOK {int(facts.ill_conditioned_ok)}",
        "ReScaleX 1",
        "DoFFx 0",
        *([f"wgFile {facts.weights}"] if facts.weights else []),
        "ResidualFWHM -1.000000",
        f"SearchSpace {facts.n_structures:.6f}",
        "anattype volume",
        f"finished {now()}",
        f"libraries {' '.join(versions(LIBRARIES))}",
        *facts.notes,
    ]
    return "\n".join(lines) + "\n"


def format_y_fsgd(
    design: Design, *, table: str, program: str, seed: int, logarithm: bool = False, subjects_dir: str = ""
) -> str:
    """The text of y.fsgd, which says how Xg.dat came about; in the original's layout.

    Parameters
    ----------
    design : Design
        Of the subjects that were analysed.
    table : str
        Absolute path.
    program : str
    seed : int
    logarithm : bool
    subjects_dir : str

    Returns
    -------
    str
    """
    rows, title = dict(design.contrast_rows), " ".join(design.title.split())
    lines = [
        "GroupDescriptorFile 1",
        *([f"Title  {title}", ""] if title else []),
        f"MeasurementName {design.measurement or 'external'}",
        "Tessellation volume",
        *([f"RegistrationSubject {design.registration_subject}"] if design.registration_subject else []),
        f"PlotFile {table}",
        f"DesignMatFile X.mat {design.method}",
        design.method,
        f"DeMeanFlag {int(design.demean) if design.variables else -1}",
        f"ReScaleFlag {int(design.rescale)}",
        "ResidualFWHM -1.000000",
        f"LogY {int(logarithm)}",
        *([f"DefaultVariable {design.default_variable}"] if design.default_variable else []),
        *(" ".join(filter(None, ("Class", one.name, one.marker, one.color))) for one in design.classes),
        *([f"Variables {' '.join(design.variables)} "] if design.variables else []),
    ]
    for contrast in design.contrasts:
        if contrast.name in rows:
            lines.append(f"FContrast {contrast.name} {' '.join(rows[contrast.name])} ")
        else:
            lines.append(f"Contrast {contrast.name} {_numbers(contrast.matrix[0])}")
    lines += [
        f"Input {subject} {design.classes[index].name} {_numbers(row)}"
        for subject, index, row in zip(design.subjects, design.class_of, design.values, strict=True)
    ]
    lines += [f"Creator          {program}", f"SUBJECTS_DIR     {subjects_dir}", f"SynthSeed        {seed}"]
    return "\n".join(lines) + "\n"


def _numbers(values: Array) -> str:
    """Numbers as the original writes them, with six digits; large ones with all, or dates would become one."""
    return "".join(f"{value:g} " if abs(value) < MANY_DIGITS else f"{_shortest(float(value))} " for value in values)


def _shortest(value: float) -> str:
    return repr(value).removesuffix(".0")

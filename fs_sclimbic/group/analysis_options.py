"""Options of a group analysis: how it is fitted, and what is written of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from .fit.equivalence import Bound
from .output.figure_style import DEFAULT_FIGURES, FigureOptions
from .output.glm_tree import DEFAULT_OPTIONS, TreeOptions


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """How the design is fitted and tested."""

    weights: str | None = None
    """File with one weight a row of the design."""
    permutations: int = 0
    """Random permutations; 0: none."""
    seed: int = 1
    ill_conditioned_ok: bool = False
    """Fit a design whose condition number is too high."""
    zero_dof_ok: bool = False
    """Fit as many columns as subjects; nothing can be tested then."""
    robust: bool = False
    """Let the variance differ between subjects (HC3)."""
    bootstrap: int = 0
    """Resamples for bootstrap intervals; 0: none."""
    bound: Bound | None = None
    """Of a test of equivalence."""


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """What is written, and what the log and the report say about the command."""

    program: str = "fs_sclimbic.group"
    command: Sequence[str] = ()
    tree: TreeOptions = DEFAULT_OPTIONS
    report: bool = True
    """Write figures and report.html."""
    figures: FigureOptions = DEFAULT_FIGURES
    subjects_dir: str = ""
    """For y.fsgd."""


DEFAULT_FIT = FitOptions()
DEFAULT_OUTPUT = OutputOptions()

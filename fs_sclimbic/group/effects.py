"""Effect sizes, sensitivity, intervals and equivalence of an analysis, as files and as parts of its page."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..files.staging import encode_text
from .fit.equivalence import Bound
from .fit.glm import Fit
from .fit.results import GroupResult
from .output.effect_rows import ADJUSTED_MEANS, EFFECTS, EffectOptions, contrast_effects, mean_section
from .study_plan import StudyPlan


@dataclass(frozen=True)
class EffectFiles:
    """Files by their path within the folder of a fit, and parts of the page."""

    files: dict[str, bytes] = field(default_factory=dict)
    sections: dict[str, str] = field(default_factory=dict)
    """By the contrast's name; of all classes by the empty name."""


def effect_files(
    plan: StudyPlan,
    fit: Fit,
    results: Sequence[GroupResult],
    *,
    resamples: int = 0,
    seed: int = 1,
    bound: Bound | None = None,
    robust: bool = False,
) -> EffectFiles:
    """Say how large effects are, and what the study could find.

    Parameters
    ----------
    plan : StudyPlan
    fit : Fit
    results : sequence of GroupResult
        One a contrast.
    resamples : int
        Of the bootstrap; 0: none.
    seed : int
    bound : Bound, optional
        For tests of equivalence.
    robust : bool
        Whether the variances of subjects are let differ (HC3).

    Returns
    -------
    EffectFiles

    Raises
    ------
    UsageError
        If there are too few resamples, or a bound makes no sense.
    """
    options = EffectOptions(resamples=resamples, seed=seed, bound=bound, robust=robust)
    parts = {f"{one.contrast.name}/{EFFECTS}": (one.contrast.name, contrast_effects(plan.study, fit, one, options))
             for one in results}  # fmt: skip
    parts[ADJUSTED_MEANS] = "", mean_section(plan.study, fit, plan.means, robust=options.robust)
    return EffectFiles(
        {path: encode_text(part.text) for path, (_, part) in parts.items() if part.text},
        {name: part.html for name, part in parts.values() if part.html},
    )

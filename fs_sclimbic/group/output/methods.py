"""methods.md: a paragraph for the methods section of a paper, true of what was run, with versions and references."""

import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..._version import __version__
from ...files.system import versions
from ...segmentation.structure_words import title_structure
from ..fit.glm import Fit
from ..fit.results import GroupResult, describe_row
from ..fit.study import COVARIATE, ETIV_SCALE, RAW, SCALED, Study
from ..tables.provenance import Provenance

METHODS = "methods.md"
NOT_AT_MEAN = ", not at the mean"
"""At the end of a note on where groups are compared."""
LIBRARIES = ("numpy", "scipy")
HEAD_SIZE = re.compile(r"(?i)(?<![a-z])(e?tiv|icv)(?![a-z])|intracranial")
"""In the name of a column of X that accounts for head size."""
REFERENCES = {
    "Greve": "Greve DN, Billot B, Cordero D, et al. (2021). A deep learning toolbox for automatic segmentation of "
    "subcortical limbic structures from MRI images. NeuroImage 244:118610.",
    "Buckner": "Buckner RL, Head D, Parker J, et al. (2004). A unified approach for morphometric and functional data "
    "analysis in young, old, and demented adults using automated atlas-based head size normalization. NeuroImage "
    "23:724-738.",
    "Holm": "Holm S (1979). A simple sequentially rejective multiple test procedure. Scand J Stat 6:65-70.",
    "Benjamini": "Benjamini Y, Hochberg Y (1995). Controlling the false discovery rate: a practical and powerful "
    "approach to multiple testing. J R Stat Soc B 57:289-300.",
    "Winkler": "Winkler AM, Ridgway GR, Webster MA, Smith SM, Nichols TE (2014). Permutation inference for the general "
    "linear model. NeuroImage 92:381-397.",
    "MacKinnon": "MacKinnon JG, White H (1985). Some heteroskedasticity-consistent covariance matrix estimators with "
    "improved finite sample properties. J Econom 29:305-325.",
    "Johnson": "Johnson WE, Li C, Rabinovic A (2007). Adjusting batch effects in microarray expression data using "
    "empirical Bayes methods. Biostatistics 8:118-127.",
    "Fortin": "Fortin JP, Cullen N, Sheline YI, et al. (2018). Harmonization of cortical thickness measurements across "
    "scanners and sites. NeuroImage 167:104-120.",
    "Harris": "Harris CR, Millman KJ, van der Walt SJ, et al. (2020). Array programming with NumPy. Nature "
    "585:357-362.",
    "Virtanen": "Virtanen P, Gommers R, Oliphant TE, et al. (2020). SciPy 1.0: fundamental algorithms for scientific "
    "computing in Python. Nat Methods 17:261-272.",
}
"""By the name that the text cites."""


@dataclass(frozen=True, kw_only=True)
class MethodsFacts:
    """What was run, beside study, fit and results."""

    robust: bool = False
    seed: int = 1
    made: Sequence[Provenance] = ()
    """How the rows were made; each way once, empty where nothing says it."""
    unknown_rows: int = 0
    """Rows of which nothing says it."""
    left_out: Sequence[str] = ()
    """Who is left out, in words."""
    combined: str = ""
    """``bilateral`` or ``laterality`` where both sides were put together."""
    prepared: Sequence[str] = field(default=())
    """What was done with the values before, such as a harmonisation of sites, in sentences."""


def methods_sentences(study: Study, fit: Fit, results: Sequence[GroupResult], facts: MethodsFacts) -> list[str]:
    """The paragraph, a sentence an entry; what is not known stands in square brackets.

    Parameters
    ----------
    study : Study
    fit : Fit
    results : sequence of GroupResult
    facts : MethodsFacts

    Returns
    -------
    list of str
    """
    return [
        *_segmentation(study, facts),
        *facts.prepared,
        *_head_size(study, facts),
        *_people(study, facts),
        *_model(study, fit, facts),
        *_tests(study, results, facts),
        f"The analysis was run with fs_sclimbic {__version__}, Python {platform.python_version()}, "
        f"{' and '.join(_proper(versions(LIBRARIES)))} (Harris et al., 2020; Virtanen et al., 2020).",
    ]


def format_methods(study: Study, fit: Fit, results: Sequence[GroupResult], facts: MethodsFacts) -> str:
    """The text of methods.md: the paragraph and its references.

    Parameters
    ----------
    study : Study
    fit : Fit
    results : sequence of GroupResult
    facts : MethodsFacts

    Returns
    -------
    str
    """
    paragraph = " ".join(methods_sentences(study, fit, results, facts))
    cited = references(paragraph)
    return (
        "# Methods\n\n<!-- Written by fs_sclimbic from what was run. Fill in what stands in [square brackets]. -->\n\n"
        f"{paragraph}\n\n## References\n\n" + "".join(f"- {line}\n" for line in cited)
    )


def references(paragraph: str) -> list[str]:
    """The references that a paragraph cites, by name."""
    return [text for name, text in REFERENCES.items() if name in paragraph]


def _segmentation(study: Study, facts: MethodsFacts) -> list[str]:
    names = list(dict.fromkeys(title_structure(name).partition(",")[0] for name in _family(study)))
    what = f"{len(_family(study))} measures ({', '.join(name[0].lower() + name[1:] for name in names)})"
    ways = list(dict.fromkeys((way.weights, way.settings) for way in facts.made if way.is_known))
    lines = []
    if len(ways) == 1:
        weights, settings = ways[0]
        name, _, digest = weights.partition(" ")
        shown = [line for line in settings if line.split()[0] in ("Preset", "IntensityRange", "Volumes", "Posteriors")]
        more = f"; settings as recorded: {'; '.join(shown)}" if shown else ""
        lines.append(
            f"Subcortical limbic structures were segmented in T1-weighted images by a convolutional network (method of "
            f"Greve et al., 2021) with fs_sclimbic [version: see the header of a stats file] and the network weights "
            f"{name} (SHA-256 {digest}...{more})."
        )
    elif ways:
        lines.append(
            f"Subcortical limbic structures were segmented in T1-weighted images (method of Greve et al., 2021) in "
            f"{len(ways)} different ways [the rows are mixed: {' / '.join(weights for weights, _ in ways)}; say which "
            "and why]."
        )
    if not ways or facts.unknown_rows:
        which = f"{facts.unknown_rows} of {len(study.subjects)} rows" if ways else "the table"
        lines.append(
            f"[How {which} {'were' if ways else 'was'} made is not recorded: say the program, its version and the "
            "weights.]"
        )
    both = {
        "bilateral": " Left and right were added up.",
        "laterality": " Asymmetry is 2 (L - R) / (L + R), above 0 where the left side is larger.",
    }.get(facts.combined, "")
    return [*lines, f"We analysed {what}.{both}"]


def _family(study: Study) -> list[str]:
    return [name for name, counts in zip(study.structures, study.family, strict=True) if counts]


def _head_size(study: Study, facts: MethodsFacts) -> list[str]:
    named = [name for name in study.columns if HEAD_SIZE.search(name)]
    if study.options.etiv == RAW and named:
        return [f"Head size entered the design as {_and(named)} [say how it was estimated]."]
    if study.options.etiv == RAW:
        return ["Values were not adjusted for head size."]
    sources = {way.etiv for way in facts.made if way.etiv}
    how = {
        frozenset({"transform"}): ", computed from each subject's Talairach transform; Buckner et al., 2004",
        frozenset({"image"}): ", computed from an affine registration of each image to the MNI305 average; Buckner et "
        "al., 2004",
    }.get(frozenset(sources), " [say how it was estimated]")
    if study.options.etiv == SCALED:
        return [
            f"Values were divided by the estimated total intracranial volume (eTIV{how}), times {ETIV_SCALE}, to "
            "account for head size."
        ]
    return [
        f"The estimated total intracranial volume (eTIV{how}), centred on its mean, was a covariate to account for "
        "head size."
    ]


def _people(study: Study, facts: MethodsFacts) -> list[str]:
    n = len(study.subjects)
    groups = ""
    if study.design is not None and len(study.design.classes) > 1:
        pairs = zip(study.design.classes, study.design.class_sizes, strict=True)
        groups = " (" + ", ".join(f"{one.name}: {size}" for one, size in pairs) + ")"
    excluded = [f"Of the design, {len(study.options.exclude)} row(s) were left out as asked for [say why]."]
    return [
        f"{n} subjects entered the analysis{groups}.",
        *(excluded if study.options.exclude else []),
        *(f"{line[:1].upper() + line[1:]}." for line in facts.left_out),
    ]


def _model(study: Study, fit: Fit, facts: MethodsFacts) -> list[str]:
    measure = "the natural logarithm of each measure" if study.options.logarithm else "each measure"
    least = "ordinary" if fit.weights is None else "weighted"
    columns = ", ".join(study.columns)
    lines = [
        f"A general linear model was fitted to {measure} by {least} least squares; its design had the columns "
        f"{columns} ({len(study.subjects)} rows, {fit.dof} residual degrees of freedom)."
    ]
    design = study.design
    if design is not None and design.variables and study.columns[: len(design.columns)] == design.columns:
        slopes = "each group had its own slope" if design.method == "dods" else "one slope was common to all groups"
        centred = "centred on the mean of all subjects" if design.demean else "not centred"
        subject = "variable" if len(design.variables) == 1 else "variables"
        verb = "was" if len(design.variables) == 1 else "were"
        fsgd = f"FSGD, {design.method.upper()}"
        lines.append(f"The {subject} {_and(design.variables)} {verb} {centred}; {slopes} ({fsgd}).")
    if design is not None and study.columns[: len(design.columns)] == design.columns:
        added = [name for name in study.columns[len(design.columns) :] if name != "eTIV"]
        if added:
            lines.append(f"Additive covariates: {', '.join(added)}.")
    if fit.weights is not None:
        lines.append("Each row was multiplied by a weight of its own [say where it comes from].")
    if facts.robust:
        lines.append("Standard errors and tests were robust to unequal variances (HC3; MacKinnon and White, 1985).")
    if study.options.etiv == COVARIATE:
        lines.append("The slope over eTIV was common to all subjects.")
    return lines


def _tests(study: Study, results: Sequence[GroupResult], facts: MethodsFacts) -> list[str]:
    lines = []
    for result in results:
        rows = "; ".join(describe_row(row, study.columns) for row in result.contrast.matrix)
        kind = (
            f"a two-sided t-test ({result.test.dof[1]} degrees of freedom)"
            if result.test.is_t
            else f"an F-test ({result.test.dof[0]} and {result.test.dof[1]} degrees of freedom)"
        )
        null = result.contrast.gamma0
        against = "" if null is None else f" against {', '.join(f'{value:g}' for value in null)}"
        lines.append(f"The contrast {result.contrast.name} ({rows}) was tested{against} by {kind}.")
        where = next((part for note in result.notes for part in note.split("; ") if part.endswith(NOT_AT_MEAN)), "")
        if where:
            lines.append(f"It compares groups {where}.")
    counts = sorted({int(np.count_nonzero(result.family)) for result in results})
    if counts:
        over = " or ".join(map(str, counts))
        lines.append(
            f"P values were corrected within each contrast over {over} measures by Holm's procedure (family-wise "
            "error; Holm, 1979) and for the false discovery rate (Benjamini and Hochberg, 1995); they were not "
            "corrected over contrasts."
        )
    permuted = {result.permutation.words(facts.seed) for result in results if result.permutation}
    if permuted:
        lines.append(
            f"Permutation p values come from the method of Freedman and Lane ({'; '.join(sorted(permuted))}; Winkler "
            "et al., 2014), family-wise by the largest statistic over the measures."
        )
    if any(result.test.is_t and not np.isnan(result.cohen_d).all() for result in results):
        lines.append("Cohen's d is the adjusted difference over the residual standard deviation.")
    return lines


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _proper(found: Sequence[str]) -> list[str]:
    return [text.replace("numpy", "NumPy").replace("scipy", "SciPy") for text in found]

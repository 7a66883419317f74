"""One HTML page about a group analysis: design, method, tables and figures, with everything inside."""

import base64
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from os import PathLike
from pathlib import Path

import numpy as np

from ..._version import __version__
from ...errors import UsageError
from ...files.figures import load_pyplot
from ...files.staging import encode_text
from ...notice import Notice
from ..design.design import Design
from ..fit.glm import Fit
from ..fit.results import COLUMNS, NOT_APPLICABLE, GroupResult, describe_row
from ..fit.study import ETIV_USES, Study
from ..text_files import displayable
from .influence_rows import influence_table
from .plots import encode_png, forest_figure, marks, structure_figures, value_label

REPORT = "report.html"
NEEDS_MATPLOTLIB = 'figures need matplotlib: python -m pip install "fs_sclimbic[group]"'
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1180px;margin:2em auto;padding:0 1em;color:#222}
h1{font-size:1.5em}h2{font-size:1.2em;margin-top:2.2em;border-bottom:1px solid #ccc}
table{border-collapse:collapse;font-size:13px;margin:.8em 0}
th,td{padding:.2em .6em;text-align:right;border-bottom:1px solid #e4e4e4;white-space:nowrap}
th:first-child,td:first-child{text-align:left}th{border-bottom:2px solid #999}
tr.two td{background:#fbe3d2}tr.one td{background:#fdf4dd}tr.out td{color:#888}
td.text{text-align:left;white-space:normal}
.wide{overflow-x:auto}img{max-width:100%;display:block;margin:1em 0}.note{color:#555;font-size:13px}
.warn{background:#fff3cd;padding:.3em .6em;margin:.3em 0}code{background:#f3f3f3;padding:0 .2em}
"""


@dataclass(frozen=True, kw_only=True)
class ReportText:
    """What the page says about how it was made."""

    title: str
    command: str
    table: str
    """File of the table."""
    design: str
    """File of the design, or how it was made."""
    method: Sequence[str]
    """Sentences: which design method and why, how the fit was made."""
    condition: float
    """Normalised condition number of the design."""
    seed: int
    notices: Sequence[Notice] = ()
    """On the results; those on the data are the study's."""
    sections: Mapping[str, str] = field(default_factory=dict)
    """Ready parts of the page by the contrast's name; of all classes by the empty name."""


def report_page(
    text: ReportText,
    study: Study,
    fit: Fit,
    results: Sequence[GroupResult],
    figures: Mapping[str, Sequence[bytes]],
) -> str:
    """The text of report.html.

    Parameters
    ----------
    text : ReportText
    study : Study
    fit : Fit
    results : sequence of GroupResult
    figures : mapping
        PNGs by the contrast's name; they are put into the page. Empty without matplotlib.

    Returns
    -------
    str
    """
    parts = [f"<h1>{escape(text.title)}</h1>", _overview(text, study, fit)]
    said = (*study.notices, *text.notices)
    for kind, severity in (("warn", "warning"), ("note", "note")):
        parts += [f'<p class="{kind}">{escape(n.text)}</p>' for n in said if n.severity == severity]
    parts += ["<h2>Design</h2>", _design(study, results)]
    parts += [text.sections.get("", "")]
    for result in results:
        parts += [f"<h2>{escape(result.contrast.name)}</h2>", _what(result, study, text.seed), _table(result)]
        parts += [text.sections.get(result.contrast.name, "")]
        parts += [influence_table(result, result.influence, study.subjects)] if result.influence else []
        parts += [
            f'<img alt="{escape(result.contrast.name)}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'
            for png in figures.get(result.contrast.name, ())
        ]
    parts += ["<h2>Words</h2>", _words()]
    return displayable(
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(text.title)}</title>'
        f"<style>{STYLE}</style></head><body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def report_files(
    text: ReportText, study: Study, fit: Fit, results: Sequence[GroupResult]
) -> tuple[dict[str, bytes], list[Notice]]:
    """Figures and the page that holds them, by their path within the folder of the fit.

    Parameters
    ----------
    text : ReportText
    study : Study
    fit : Fit
    results : sequence of GroupResult

    Returns
    -------
    files : dict of str to bytes
        Without matplotlib the page alone.
    notices : list of Notice
        Why there are no figures.
    """
    files: dict[str, bytes] = {}
    figures: dict[str, list[bytes]] = {}
    notices = [Notice("note", f"no figures: {reason}")] if (reason := _why_no_figures()) else []
    for result in results if not notices and study.family.any() and fit.dof > 0 else ():
        if not result.family.any():
            continue
        name = result.contrast.name
        try:
            forest, pages = _draw_contrast(study, fit, result)
        except Exception as error:  # whatever a figure lacks, the numbers are written
            notices.append(
                Notice(
                    "warning", f"no figures of {name} ({type(error).__name__}: {' '.join(str(error).split())[:200]})"
                )
            )
            continue
        files[f"{name}/forest.png"] = forest
        files |= {f"{name}/structures{f'_{i}' if i > 1 else ''}.png": page for i, page in enumerate(pages, 1)}
        figures[name] = [forest, *pages]
    files[REPORT] = encode_text(report_page(text, study, fit, results, figures))
    return files, notices


def _why_no_figures() -> str:
    """Why matplotlib cannot be used; empty if it can."""
    try:
        load_pyplot()
    except UsageError:
        return NEEDS_MATPLOTLIB
    except Exception as error:  # an installation that does not fit, for one to the installed NumPy
        return (
            f"matplotlib cannot be loaded ({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''})"
        )
    return ""


def _draw_contrast(study: Study, fit: Fit, result: GroupResult) -> tuple[bytes, list[bytes]]:
    """The forest plot and the pages of structures as PNG."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters that a font lacks, and panels without room
        pages = [encode_png(page) for page in structure_figures(study, fit, result, value_label(study))]
        return encode_png(forest_figure(study, fit, result)), pages


def study_title(folder: str | PathLike[str], design: Design | None) -> str:
    """The FSGD's title and the name of the output folder.

    Parameters
    ----------
    folder : path-like
        Of the results.
    design : Design, optional

    Returns
    -------
    str
    """
    words = " ".join(design.title.split()) if design else ""
    name = Path(folder).absolute().name
    return f"{words} ({name})" if words else f"Group analysis {name}"


def _overview(text: ReportText, study: Study, fit: Fit) -> str:
    structures = int(study.family.sum())
    rows = [
        ("Table", f"{text.table} ({study.measure})"),
        ("Design", text.design),
        ("Subjects", f"{len(study.subjects)}{_group_sizes(study)}"),
        ("Structures", f"{structures}, the family that corrections count"),
        ("eTIV", ETIV_USES[study.options.etiv]),
        ("Values", "natural logarithm" if study.options.logarithm else "as in the table" + _scaled(study)),
        ("Degrees of freedom", f"{len(study.subjects)} subjects - {len(study.columns)} columns = {fit.dof}"),
        ("Weights", "none" if fit.weights is None else "one a subject; rows of design and values times the weight"),
        ("Condition number", f"{text.condition:.4g} (normalised X'X; above 10000 the design is ill-conditioned)"),
        *(("Method", sentence) for sentence in text.method),
        ("Program", f"fs_sclimbic {__version__}"),
        ("Command", text.command),
    ]
    return f"<table>{_pairs(rows)}</table>"


def _scaled(study: Study) -> str:
    return ", after scaling by eTIV" if study.options.etiv == "scaled" else ""


def _group_sizes(study: Study) -> str:
    if study.design is None:
        return ""
    counts = np.bincount(study.design.class_of, minlength=len(study.design.classes))
    return ": " + ", ".join(f"{group.name} {n}" for group, n in zip(study.design.classes, counts, strict=True))


def _design(study: Study, results: Sequence[GroupResult]) -> str:
    """Names of the columns with the weights of every contrast beside them."""
    names = [escape(result.contrast.name) for result in results]
    head = "".join(f"<th>{name}</th>" for name in ("column of X", "mean", *names))
    mean = study.matrix.mean(0)
    mean[np.abs(mean) < 1e-12 * np.abs(study.matrix).max(0)] = 0  # the mean of a centred column is rounding error
    body = ""
    for i, column in enumerate(study.columns):
        weights = [" / ".join(f"{row[i]:g}" for row in result.contrast.matrix) for result in results]
        body += (
            f"<tr><td>{escape(column)}</td><td>{mean[i]:.4g}</td>" + "".join(f"<td>{w}</td>" for w in weights) + "</tr>"
        )
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def _what(result: GroupResult, study: Study, seed: int) -> str:
    rows = "<br>".join(f"<code>{escape(describe_row(row, study.columns))}</code>" for row in result.contrast.matrix)
    kind = "t-test, two-sided" if result.test.is_t else f"F-test of {result.test.dof[0]} rows together"
    null = result.contrast.gamma0
    against = "0" if null is None else ", ".join(f"{value:g}" for value in null)
    extra = f"; {result.permutation.words(seed)} (Freedman-Lane)" if result.permutation else ""
    return f"<p>{rows}<br>{kind} against {against}, {result.test.dof[1]} degrees of freedom{escape(extra)}.</p>"


def _table(result: GroupResult) -> str:
    test, stars = result.test, marks(result)
    low, high = test.interval()
    names = ["structure"]
    names += ["gamma", "SE", "95 % interval", "t"] if test.is_t else ["F"]
    names += ["p", "p Holm", "p FDR"] + (["p perm", "p perm FWE"] if result.permutation else [])
    names += ["Cohen's d", "%", "partial r"] if test.is_t else ["partial eta&sup2;"]
    body = ""
    for i, structure in enumerate(result.structures):
        ok = bool(test.testable[i]) and test.dof[1] > 0
        cells = [escape(structure)]
        if test.is_t:
            cells += [_n(test.gamma[0, i]), _n(test.standard_error[0, i], ok)]
            cells += [f"{_n(low[0, i], ok)} to {_n(high[0, i], ok)}", _n(test.t[0, i], ok)]
        else:
            cells += [_n(test.f[i], ok)]
        cells += [_n(test.p[i], ok), _n(result.p_holm[i]), _n(result.p_fdr[i])]
        if result.permutation:
            cells += [_n(result.permutation.p[i]), _n(result.permutation.p_fwe[i])]
        cells += [_n(result.cohen_d[i]), _n(result.percent[i]), _n(test.partial_r[i], ok)] if test.is_t else []
        cells += [] if test.is_t else [_n(test.partial_eta2[i], ok)]
        kind = "out" if not result.family[i] else {"**": "two", "*": "one"}.get(stars[i], "")
        body += f'<tr class="{kind}">' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    head = "".join(f"<th>{name}</th>" for name in names)
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def _words() -> str:
    return (
        "<p class='note'>Dark rows: family-wise corrected p below 0.05 (by permutation where there are any, else "
        "Holm); light rows: only the false discovery rate is. Grey rows are not counted by corrections. Corrections "
        "are over the structures of one contrast, not over contrasts. The p values assume independent subjects and "
        "normal residuals of one variance (--robust: of any); permutations assume exchangeable residuals.</p>"
        f"<table>{_pairs(COLUMNS.items())}</table>"
    )


def _pairs(rows: Iterable[tuple[str, str]]) -> str:
    return "".join(f'<tr><td>{escape(k)}</td><td class="text">{escape(v)}</td></tr>' for k, v in rows)


def _n(value: float, known: bool = True) -> str:
    return NOT_APPLICABLE if not known or np.isnan(value) else f"{value:.4g}"

"""One HTML page about a group analysis: design, method, tables and figures, with everything inside."""

import base64
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from os import PathLike
from pathlib import Path

from ..._version import __version__
from ...errors import UsageError
from ...files.figures import load_pyplot
from ...files.staging import encode_text
from ...notice import Notice
from ..design.design import Design
from ..fit.glm import Fit
from ..fit.results import GroupResult, describe_row
from ..fit.study import ETIV_USES, Study
from ..text_files import displayable
from .figure_style import DEFAULT_FIGURES, FigureOptions, encode_figure
from .forest import forest_figure
from .influence_rows import influence_table
from .methods import references
from .panels import choose_panel
from .plain_words import forest_caption, found_in_words, schematic_caption, structures_caption
from .plots import has_bands, structure_figures, value_label
from .report_tables import design_table, glossary, pairs_table, results_table
from .schematic import coloured_structures, effect_of, legend_of_abbreviations, schematic_figure

REPORT = "report.html"
NEEDS_MATPLOTLIB = 'figures need matplotlib: python -m pip install "fs_sclimbic[group]"'
PAGE_WIDTHS_PX = {1: 520, 2: 1000}
"""Of figures over one and two columns, on the page: a little larger than in print."""
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1180px;margin:2em auto;padding:0 1em;color:#222}
h1{font-size:1.5em;overflow-wrap:anywhere}h2{font-size:1.2em;margin-top:2.2em;border-bottom:1px solid #ccc}
table{border-collapse:collapse;font-size:13px;margin:.8em 0}
th,td{padding:.2em .5em;text-align:right;border-bottom:1px solid #e4e4e4;white-space:nowrap}
th:first-child,td:first-child{text-align:left}th{border-bottom:2px solid #999}
tr.two td{background:#fbe3d2}tr.one td{background:#fdf4dd}tr.out td{color:#707070}
td.text{text-align:left;white-space:normal;overflow-wrap:anywhere}.pairs td{vertical-align:top}
.results td:first-child{white-space:normal;min-width:9em}
.first{font-size:1.15em;background:#eef4fa;border-left:4px solid #0072b2;padding:.5em .8em;margin:.6em 0}
.wide{overflow-x:auto}img{max-width:100%;height:auto;display:block;margin:1em 0 .3em}figure{margin:1.4em 0}
.note,figcaption{color:#555;font-size:13px}figcaption{max-width:72em}
.paper{background:#f7f7f7;padding:.8em 1em;font-family:Georgia,serif}.paper li{font-size:13px}
.warn{background:#fff3cd;padding:.3em .6em;margin:.3em 0}code{background:#f3f3f3;padding:0 .2em;overflow-wrap:anywhere}
@media(max-width:600px){body{margin:1em auto}td.text{min-width:14em}.pairs td:first-child{white-space:normal}
figure img[width="1000"]{max-width:none;width:680px}}
"""


@dataclass(frozen=True)
class ReportFigure:
    """A picture on the page, and what it shows."""

    png: bytes
    caption: str = ""
    width_px: int = 1000
    """On the page, at most."""


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
    methods: Sequence[str] = ()
    """Sentences of the methods paragraph."""
    made: Sequence[tuple[str, str]] = ()
    """How the rows were made: names such as network weights, and what is known of them."""
    figures: FigureOptions = field(default=DEFAULT_FIGURES)
    sections: Mapping[str, str] = field(default_factory=dict)
    """Ready parts of the page by the contrast's name; of all classes by the empty name."""


def report_page(
    text: ReportText,
    study: Study,
    fit: Fit,
    results: Sequence[GroupResult],
    figures: Mapping[str, Sequence[ReportFigure]],
) -> str:
    """The text of report.html.

    Parameters
    ----------
    text : ReportText
    study : Study
    fit : Fit
    results : sequence of GroupResult
    figures : mapping
        Pictures by the contrast's name; they are put into the page. Empty without matplotlib.

    Returns
    -------
    str
    """
    parts = [f"<h1>{escape(text.title)}</h1>"]
    parts += [f'<p class="first">{escape(found_in_words(study, result))}</p>' for result in results]
    parts += [_overview(text, study, fit)]
    said = (*study.notices, *text.notices)
    for kind, severity in (("warn", "warning"), ("note", "note")):
        parts += [f'<p class="{kind}">{escape(n.text)}</p>' for n in said if n.severity == severity]
    parts += ["<h2>Design</h2>", design_table(study, results)]
    parts += [text.sections.get("", "")]
    for result in results:
        parts += [f"<h2>{escape(result.contrast.name)}</h2>", _what(result, study, text.seed), results_table(result)]
        parts += [text.sections.get(result.contrast.name, "")]
        parts += [influence_table(result, result.influence, study.subjects)] if result.influence else []
        parts += [_figure(result.contrast.name, one) for one in figures.get(result.contrast.name, ())]
    if text.methods:
        parts += ["<h2>Methods, to paste into a paper</h2>", _paper(text.methods)]
    parts += ["<h2>Glossary</h2>", glossary()]
    return displayable(
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{escape(text.title)}</title>'
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
    figures: dict[str, list[ReportFigure]] = {}
    notices = [Notice("note", f"no figures: {reason}")] if (reason := _why_no_figures()) else []
    for result in results if not notices and study.family.any() and fit.dof > 0 else ():
        if not result.family.any():
            continue
        name = result.contrast.name
        try:
            drawn = _draw_contrast(study, fit, result, text.figures)
        except Exception as error:  # whatever a figure lacks, the numbers are written
            notices.append(
                Notice(
                    "warning", f"no figures of {name} ({type(error).__name__}: {' '.join(str(error).split())[:200]})"
                )
            )
            continue
        for figure, caption, made in drawn:
            files |= {f"{name}/{figure}.{kind}": content for kind, content in made.items()}
            figures.setdefault(name, []).append(
                ReportFigure(made["png"], caption, PAGE_WIDTHS_PX[text.figures.columns])
            )
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


def _draw_contrast(
    study: Study, fit: Fit, result: GroupResult, options: FigureOptions
) -> list[tuple[str, str, dict[str, bytes]]]:
    """Name, caption and files of the forest plot, the schematic picture, and the pages of structures."""
    formats = tuple(dict.fromkeys(("png", *options.formats)))
    drawn = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters that a font lacks, and panels without room
        forest = forest_figure(study, fit, result, options)
        drawn.append(("forest", forest_caption(study, result), encode_figure(forest, formats)))
        if coloured_structures(result):
            caption = schematic_caption(result, effect_of(study, fit, result)[1], legend_of_abbreviations())
            picture = schematic_figure(study, fit, result, options)
            drawn.append(("schematic", caption, encode_figure(picture, formats)))
        panel = choose_panel(study, fit, result)
        caption = structures_caption(result, panel.kind, panel.note, has_bands(panel))
        for i, page in enumerate(structure_figures(study, fit, result, value_label(study), options), 1):
            drawn.append((f"structures{f'_{i}' if i > 1 else ''}", caption, encode_figure(page, formats)))
    return drawn


def _figure(contrast: str, figure: ReportFigure) -> str:
    data = base64.b64encode(figure.png).decode()
    caption = f"<figcaption>{escape(figure.caption)}</figcaption>" if figure.caption else ""
    image = f'<img alt="{escape(contrast)}" width="{figure.width_px}" src="data:image/png;base64,{data}">'
    return f'<figure><div class="wide">{image}</div>{caption}</figure>'


def _paper(sentences: Sequence[str]) -> str:
    paragraph = " ".join(sentences)
    cited = "".join(f"<li>{escape(line)}</li>" for line in references(paragraph))
    return (
        "<p class='note'>True of what was run; fill in what stands in [square brackets]. The same stands in "
        "methods.md; analysis.R and analysis.py beside it compute the same numbers again with base R and with "
        "NumPy.</p>"
        f'<div class="paper"><p>{escape(paragraph)}</p><ul>{cited}</ul></div>'
    )


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
        *text.made,
        *([] if fit.weights is None else [("Row weights", "one a subject; design and values are multiplied by it")]),
        ("Condition number", f"{text.condition:.4g} (normalised X'X; above 10000 the design is ill-conditioned)"),
        *(("Method", sentence) for sentence in text.method),
        ("Program", f"fs_sclimbic {__version__}"),
        ("Command", text.command),
    ]
    return pairs_table(rows)


def _scaled(study: Study) -> str:
    return ", after scaling by eTIV" if study.options.etiv == "scaled" else ""


def _group_sizes(study: Study) -> str:
    if study.design is None:
        return ""
    pairs = zip(study.design.classes, study.design.class_sizes, strict=True)
    return ": " + ", ".join(f"{group.name} {n}" for group, n in pairs)


def _what(result: GroupResult, study: Study, seed: int) -> str:
    rows = "<br>".join(f"<code>{escape(describe_row(row, study.columns))}</code>" for row in result.contrast.matrix)
    kind = "t-test, two-sided" if result.test.is_t else f"F-test of {result.test.dof[0]} rows together"
    null = result.contrast.gamma0
    against = "0" if null is None else ", ".join(f"{value:g}" for value in null)
    extra = f"; {result.permutation.words(seed)} (Freedman-Lane)" if result.permutation else ""
    return f"<p>{rows}<br>{kind} against {against}, {result.test.dof[1]} degrees of freedom{escape(extra)}.</p>"

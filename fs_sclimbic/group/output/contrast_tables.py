"""The tables of one contrast: results, rows of an F contrast, single subjects."""

from ...files.staging import encode_text
from ..fit.results import GroupResult, format_results, format_rows
from ..fit.study import Study
from .influence_rows import INFLUENCE, format_influence

RESULTS, ROWS = "results.tsv", "results_rows.tsv"


def contrast_tables(study: Study, result: GroupResult) -> dict[str, bytes]:
    """The tables, by their path within the folder of the fit.

    Parameters
    ----------
    study : Study
    result : GroupResult

    Returns
    -------
    dict of str to bytes
    """
    texts = {RESULTS: format_results(result)}
    if not result.test.is_t:
        texts[ROWS] = format_rows(result, study.columns)
    if result.influence:
        texts[INFLUENCE] = format_influence(result, result.influence, study.subjects)
    return {f"{result.contrast.name}/{name}": encode_text(text) for name, text in texts.items()}

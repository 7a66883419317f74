"""The defaults of a group analysis are those of mri_glmfit, with a report."""

from fs_sclimbic.group.analysis_options import DEFAULT_FIT, DEFAULT_OUTPUT


def test_without_options_the_fit_is_least_squares_without_resampling():
    assert (DEFAULT_FIT.permutations, DEFAULT_FIT.bootstrap, DEFAULT_FIT.robust, DEFAULT_FIT.weights) == (
        0,
        0,
        False,
        None,
    )


def test_without_options_a_report_is_written():
    assert DEFAULT_OUTPUT.report

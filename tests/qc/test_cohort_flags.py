"""A cohort tells what is usual: outliers beside the line on eTIV, cases of large influence, and other settings."""

import numpy as np
import pytest

from fs_sclimbic.image.labels import Structure
from fs_sclimbic.qc.cohort_flags import CohortCase, cooks_distances, describe_mixture, find_cohort_flags, fit_robustly
from fs_sclimbic.segmentation.measure import SegStats, StructureStats

FORNIX = Structure(821, "Left-Fornix", (0, 0, 0, 0))
WEIGHTS = {"Weights": "a.h5 SHA-256 aa (--model, published)", "IntensityRange": "minimum to the maximum"}


def case_of(name, volume, etiv=None, provenance=None):
    row = StructureStats(FORNIX, round(volume), volume, 0.8, 0)
    return CohortCase(name=name, stats=SegStats((row,), 1.0, etiv), provenance=provenance or {})


def cohort(count=40, seed=0, with_etiv=True):
    """Volumes of 500 mm^3 with 8 % of noise that grow with eTIV."""
    rng = np.random.default_rng(seed)
    etivs = rng.normal(1.5e6, 1.5e5, count)
    volumes = 500 * etivs / 1.5e6 * rng.normal(1, 0.08, count)
    return [
        case_of(f"s{i}", volume, etiv if with_etiv else None)
        for i, (volume, etiv) in enumerate(zip(volumes, etivs, strict=True))
    ]


def kinds(cases):
    return {name: [flag.kind for flag in flags] for name, flags in find_cohort_flags(cases).items() if flags}


@pytest.mark.parametrize("with_etiv", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_an_ordinary_cohort_has_no_outlier(seed, with_etiv):
    assert kinds(cohort(seed=seed, with_etiv=with_etiv)) == {}


def test_outliers_do_not_hide_one_another():
    cases = [*cohort(), case_of("lost1", 120, 1.5e6), case_of("lost2", 130, 1.6e6), case_of("large", 950, 1.5e6)]
    found = find_cohort_flags(cases)
    assert {name for name, flags in found.items() if flags} == {"lost1", "lost2", "large"}
    flag = found["lost1"][0]
    assert (flag.kind, flag.severity, flag.structure) == ("OUTLIER", "look", "Left-Fornix")
    assert "left fornix is small for this cohort: 120 mm^3 where" in flag.reason


def test_a_volume_is_judged_by_the_size_of_its_head():
    small_head = case_of("small", 330, 1.0e6)
    assert kinds([*cohort(), small_head]) == {}
    assert kinds([*cohort(), case_of("same volume, large head", 330, 2.1e6)]) != {}


def test_a_case_that_moves_the_line_alone():
    # Its head is so large that the line follows it, whatever the others say.
    cases = [*cohort(), case_of("far", 520, 3.2e6)]
    assert "INFLUENCE" in kinds(cases)["far"]


def test_few_cases_say_nothing():
    assert kinds([*cohort(12), case_of("lost", 50, 1.5e6)]) == {}


def test_copies_of_one_head_are_no_outliers():
    copies = [case_of(f"c{i}", 500.0, 1.5e6) for i in range(25)]
    assert kinds([*copies, case_of("near", 505, 1.5e6)]) == {}


def test_lost_structures_do_not_count_as_usual():
    assert kinds([*cohort(with_etiv=False), case_of("empty", 0)]) == {}


def test_other_settings_are_named_and_the_rest_is_judged_alone():
    cases = [case_of(case.name, case.stats.structures[0].volume_mm3, provenance=WEIGHTS) for case in cohort()]
    other = {**WEIGHTS, "Weights": "b.h5 SHA-256 bb (shipped)"}
    found = find_cohort_flags([*cases, case_of("odd", 900, provenance=other)])
    assert [flag.kind for flag in found["odd"]] == ["SETTINGS"]
    assert found["odd"][0].reason == "made with other weights than the rest"
    assert found["odd"][0].severity == "bad"
    assert all(not flags for name, flags in found.items() if name != "odd")


def test_where_weights_were_found_does_not_matter():
    same = {**WEIGHTS, "Weights": "a.h5 SHA-256 aa (FREESURFER_HOME, published)"}
    provenances = [WEIGHTS, WEIGHTS, same, {}]
    assert kinds([case_of(f"s{i}", 500, provenance=one) for i, one in enumerate(provenances)]) == {}


def test_without_a_majority_nobody_is_odd():
    other = {**WEIGHTS, "Weights": "b.h5 SHA-256 bb"}
    assert kinds([case_of("a", 500, provenance=WEIGHTS), case_of("b", 500, provenance=other)]) == {}
    (line,) = describe_mixture([WEIGHTS, other])
    assert line.startswith("weights differ, and no one is that of most cases (1 with a.h5 SHA-256 aa; 1 with b.h5")
    assert describe_mixture([WEIGHTS, WEIGHTS, other]) == []
    assert describe_mixture([{}, {}]) == []


def test_robust_fit_and_influence():
    rng = np.random.default_rng(1)
    x = np.linspace(-1, 1, 50)
    design = np.stack([np.ones(50), x], 1)
    values = 10 + 3 * x + 0.1 * rng.standard_normal(50)
    values[-5:] -= 20
    assert fit_robustly(design, values) == pytest.approx([10, 3], abs=0.15)
    distances = cooks_distances(design, values)
    without = [np.linalg.lstsq(np.delete(design, i, 0), np.delete(values, i), rcond=None)[0] for i in range(50)]
    whole, *_ = np.linalg.lstsq(design, values, rcond=None)
    variance = ((values - design @ whole) ** 2).sum() / 48
    expected = [((design @ (whole - one)) ** 2).sum() / (2 * variance) for one in without]
    assert distances == pytest.approx(expected)

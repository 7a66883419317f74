import numpy as np

from fs_sclimbic.group.design.compared_at import comparison_doubts
from fs_sclimbic.group.design.contrast import Contrast
from tests.designs import make

YOUNG_AND_OLD = [25.0, 28, 30, 31, 33, 34, 76, 78, 79, 80, 82, 84]
OF = (0,) * 6 + (1,) * 6
DIFFERENCE = Contrast("g", np.array([[-1.0, 1, 0, 0]]))


def study(ages=YOUNG_AND_OLD, **more):
    return make(OF, ages, names=("Young", "Old"), variables=["age"], **more)


def test_dods_says_where_it_compares_and_who_is_there():
    (line,) = comparison_doubts(study(demean=True), [DIFFERENCE])
    assert line.startswith("g: compares classes at age = 55, where Young (25 to 34), Old (76 to 84) has nobody")
    (line,) = comparison_doubts(study(), [DIFFERENCE])
    assert "at age = 0" in line
    assert "DeMeanFlag 1" in line
    (scaled,) = comparison_doubts(study(demean=True, rescale=True), [DIFFERENCE])
    assert "at age = 55," in scaled


def test_a_comparison_where_both_classes_are():
    mixed = [25.0, 40, 50, 60, 70, 80, 27, 38, 52, 63, 71, 79]
    assert comparison_doubts(study(mixed, demean=True), [DIFFERENCE]) == []
    assert comparison_doubts(study(mixed, method="doss"), [Contrast("g", np.array([[-1.0, 1, 0]]))]) == []
    # The weights of the slopes move the comparison to an age: 45 is among them, 150 is not.
    for age, expected in ((45, 0), (150, 1)):
        contrast = Contrast("g", np.array([[-1.0, 1, -age, age]]))
        found = comparison_doubts(study(mixed), [contrast])
        assert len(found) == expected
        assert all(f"at age = {age}," in line for line in found)


def test_slopes_and_single_classes_compare_nowhere():
    for row in ([0, 0, -1.0, 1], [1.0, 0, 0, 0]):
        assert comparison_doubts(study(demean=True), [Contrast("s", np.array([row]))]) == []


def test_doss_says_that_ranges_do_not_meet():
    (line,) = comparison_doubts(study(method="doss"), [Contrast("g", np.array([[-1.0, 1, 0]]))])
    assert "share no value of age (Old 76 to 84, Young 25 to 34)" in line

import numpy as np
import pytest

from fs_sclimbic.group.design.contrast import named_contrast
from fs_sclimbic.group.design.design import GroupClass
from fs_sclimbic.group.design.model import Model
from fs_sclimbic.group.doubts.spread import compared_spreads, describe_spreads
from fs_sclimbic.group.fit.glm import fit_glm
from fs_sclimbic.group.fit.study import StudyOptions, assemble
from fs_sclimbic.group.text_table import GroupTable
from tests.groups import make_design


def study(sizes=(60, 20, 20), sds=(1, 4, 1), method="doss"):
    rng = np.random.default_rng(9)
    of = np.repeat(np.arange(3), sizes)
    names = tuple(f"s{i}" for i in range(len(of)))
    design = make_design(
        subjects=names,
        classes=tuple(GroupClass(name) for name in "ABC"),
        class_of=tuple(of.tolist()),
        values=rng.uniform(20, 80, (len(of), 1)),
        method=method,
    )
    model = Model(columns=design.columns, matrix=design.matrix, subjects=names, design=design, source="g.fsgd")
    values = 300 + rng.normal(0, 10, (len(of), 2)) * np.array([np.array(sds)[of], np.ones(len(of))]).T
    table = GroupTable("Measure:volume", names, ("Uneven", "Even"), values)
    assembled = assemble(model, table, StudyOptions())
    return assembled, fit_glm(assembled.matrix, assembled.values)


def found(text, **more):
    assembled, fit = study(**more)
    return compared_spreads(assembled, fit, named_contrast(text, assembled.columns))


@pytest.mark.parametrize("method", ["dods", "doss"])
def test_a_small_class_that_varies_more(method):
    (one,) = found("B-A", method=method)
    assert (one.structure, one.largest[0], one.smallest[0]) == ("Uneven", "B", "A")
    assert one.largest[1] == pytest.approx(40, rel=0.4)
    text = describe_spreads([one])
    assert "Uneven (B " in text
    assert "--robust" in text


def test_no_doubt():
    assert found("C-A") == []  # B varies more, and is not compared
    assert found("B-A", sizes=(20, 20, 60)) == []  # as many in both
    assert found("B-A", sds=(1, 1, 1)) == []
    assert found("B-A", sizes=(60, 3, 20)) == []  # too few to tell
    assert len(found("Age")) == 1  # one slope of all classes

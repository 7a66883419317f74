import numpy as np
import pytest

from fs_sclimbic.errors import DesignError
from fs_sclimbic.group.design.covariates import columns_of, covariate_columns, read_values
from tests.group.people_files import people, write_people

FRAME = people()


@pytest.fixture
def table(tmp_path):
    return write_people(tmp_path / "participants.tsv", FRAME)


def test_text_is_labels_and_numbers_are_numbers(table):
    values = read_values(table, ["sex", "age", "site"], as_labels=["site"])
    assert values.subjects == tuple(FRAME.participant_id)
    assert values.labels == {"sex": tuple(FRAME.sex), "site": tuple(map(str, FRAME.site))}
    assert values.numbers["age"].tolist() == FRAME.age.tolist()
    assert values.notices == ()
    assert columns_of(table) == tuple(FRAME.columns)


def test_subjects_in_the_order_of_a_design(table):
    values = read_values(table, ["age"], subjects=["sub-07", "sub-02"])
    assert values.numbers["age"].tolist() == FRAME.age[[7, 2]].tolist()
    with pytest.raises(DesignError, match="no subject 'x'"):
        read_values(table, ["age"], subjects=["x"])


def test_numbers_that_stand_for_groups_are_doubted(table):
    (notice,) = read_values(table, ["site"]).notices
    assert notice.severity == "warning"
    assert "make classes of them (C(NAME))" in notice.text


def test_values_that_cannot_be(tmp_path):
    with pytest.raises(DesignError, match="no age in years"):
        read_values(write_people(tmp_path / "p.tsv", FRAME.replace({"age": {FRAME.age[0]: 999}})), ["age"])
    lacking = FRAME.astype({"iq": object})
    lacking.loc[3, "iq"] = None
    path = write_people(tmp_path / "q.tsv", lacking)
    with pytest.raises(DesignError, match="subject 'sub-03' has no value of iq"):
        read_values(path, ["iq"])
    assert "sub-03" not in read_values(path, ["iq"], drop_missing=True).subjects


def test_columns_are_centred(table):
    names, matrix = covariate_columns(read_values(table, ["sex", "iq", "group"]), ["sex", "iq", "group"])
    assert names == ("sex[M]", "iq", "group[Patient]", "group[Relative]")
    np.testing.assert_allclose(matrix.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(matrix[:, 0], (FRAME.sex == "M") - np.mean(FRAME.sex == "M"))
    with pytest.raises(DesignError, match="the same for every subject"):
        covariate_columns(read_values(table, ["sex"], subjects=["sub-00"]), ["sex"])

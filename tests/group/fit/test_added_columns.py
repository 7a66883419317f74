from dataclasses import replace

import numpy as np
import pytest

from fs_sclimbic.errors import DesignError
from fs_sclimbic.group.design.model import mean_model
from fs_sclimbic.group.fit.added_columns import add_covariates
from fs_sclimbic.group.fit.study import StudyOptions, assemble
from tests.group.people_files import people, write_people
from tests.groups import SUBJECTS, make_model, make_table, reordered


@pytest.fixture
def table(tmp_path):
    return write_people(tmp_path / "p.tsv", people(20).assign(participant_id=[f"sub-{i:02d}" for i in range(20)]))


def test_columns_are_centred_over_who_is_fitted(table):
    model = make_model()
    study = assemble(model, reordered(make_table(), range(11, 1, -1)), StudyOptions(allow_missing=True))
    added = add_covariates(study, model, ("sex", "iq", "C(site)"), table)
    assert added.columns == (*study.columns, "sex[M]", "iq", "site[2]", "site[3]")
    np.testing.assert_array_equal(added.matrix[:, :4], study.matrix)
    np.testing.assert_allclose(added.matrix[:, 4:].mean(axis=0), 0, atol=1e-12)
    iq = people(20).iq[2 + 1 : 12 + 1].to_numpy()  # sub-03 to sub-12
    np.testing.assert_allclose(added.matrix[:, 5], iq - iq.mean())
    assert SUBJECTS[0] == "sub-01"


def test_what_cannot_be_added(table):
    model = make_model(variables=("iq",))
    study = assemble(model, make_table(), StudyOptions())
    study = replace(study, columns=(*study.columns[:-1], "iq"))
    with pytest.raises(DesignError, match="has a column 'iq' already"):
        add_covariates(study, model, ("iq",), table)
    with pytest.raises(DesignError, match="names no subjects"):
        add_covariates(study, mean_model(12), ("iq",), table)

import numpy as np
import pytest

from fs_sclimbic.errors import DesignError
from fs_sclimbic.group.harmonize.kept_columns import (
    KeptLabels,
    KeptNumber,
    KeptValues,
    kept_doubts,
    kept_matrix,
    learn_kept,
    refuse_confounded,
)

SITE_OF = np.repeat([0, 1], 4)
SUBJECTS = [f"s{i}" for i in range(8)]
VALUES = KeptValues({"dx": list("ABCABCAB"), "sex": list("FFMMFFMM")}, {"age": np.arange(20.0, 28)})


def test_columns():
    kept = learn_kept(("dx", "age"), VALUES)
    assert kept == (KeptLabels("dx", ("A", "B", "C")), KeptNumber("age", 20, 27))
    matrix = kept_matrix(kept, VALUES, SUBJECTS)
    assert matrix[:3].tolist() == [[0, 0, 20], [1, 0, 21], [0, 1, 22]]
    assert kept_matrix((), VALUES, SUBJECTS).shape == (8, 0)


def test_values_that_do_not_fit_the_model():
    kept = learn_kept(("dx", "age"), VALUES)
    strange = KeptValues({"dx": list("ABCABCAD")}, VALUES.numbers)
    with pytest.raises(DesignError, match=r"'dx' has labels that the model does not know: s7 \(D\); it knows A, B, C"):
        kept_matrix(kept, strange, SUBJECTS)
    with pytest.raises(DesignError, match="'age' holds numbers in the model and text here"):
        kept_matrix(kept, KeptValues({"dx": list("ABCABCAB"), "age": list("xxxxxxxx")}, {}), SUBJECTS)
    with pytest.raises(DesignError, match="'dx' holds labels in the model and numbers here"):
        kept_matrix(kept, KeptValues({}, {"dx": np.ones(8), "age": np.ones(8)}), SUBJECTS)


def test_nothing_to_keep():
    with pytest.raises(DesignError, match="'sex' is the same for every subject"):
        learn_kept(("sex",), KeptValues({"sex": list("FFFFFFFF")}, {}))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (KeptValues({"dx": list("AAAABBBB")}, {}), "'dx' is confounded with 'site'"),
        (KeptValues({"dx": list("ABABCCCC")}, {}), "'dx' is confounded with 'site'"),
        (KeptValues({"dx": list("ABABABAB"), "sex": list("MFMFMFMF")}, {}), "'sex' follows from 'site' and 'dx'"),
    ],
)
def test_confounded(values, words):
    kept = learn_kept(tuple(values.labels), values)
    with pytest.raises(DesignError, match=words):
        refuse_confounded(kept, kept_matrix(kept, values, SUBJECTS), SITE_OF, "site")


def test_sound_columns_are_not_refused():
    kept = learn_kept(("sex", "age"), VALUES)
    refuse_confounded(kept, kept_matrix(kept, VALUES, SUBJECTS), SITE_OF, "site")


def test_doubts():
    values = KeptValues({"dx": list("ABABAAAA")}, {"age": np.array([20.0, 21, 22, 23, 60, 61, 62, 63])})
    kept = learn_kept(("dx", "age"), values)
    told = kept_doubts(kept, kept_matrix(kept, values, SUBJECTS), values, SITE_OF, ("x", "y"))
    assert told[0] == "'dx' is not balanced over sites: y has no B; its effect rests on the other sites"
    assert told[1].startswith("sites explain 100 % of 'age'")
    assert len(told) == 2
    kept = learn_kept(("sex",), VALUES)
    assert kept_doubts(kept, kept_matrix(kept, VALUES, SUBJECTS), VALUES, SITE_OF, ("x", "y")) == []

import numpy as np

from fs_sclimbic.group.design.model import Model
from fs_sclimbic.group.fit.study import StudyOptions, assemble
from fs_sclimbic.group.output.study_summary import describe_study, fitted_design, ill_conditioned
from tests.groups import analysed, make_design, make_model, make_table


def test_columns_stand_beside_the_weights_of_the_contrasts():
    study, _, result = analysed("g = Patient-Control")
    lines = describe_study(study, [result.contrast])
    assert lines[:3] == [
        "12 subjects, 4 columns, 8 degrees of freedom",
        "classes: Control 6, Patient 6",
        "variables: Age, not demeaned",
    ]
    assert lines[-4:] == ["Control      -1", "Patient       1", "Control:Age   0", "Patient:Age   0"]


def test_a_mean_is_not_fitted_by_the_columns_of_its_fsgd():
    design = make_design()
    mean = Model(
        columns=("Mean",), matrix=np.ones((12, 1)), subjects=design.subjects, design=design, source="group.fsgd"
    )
    assert fitted_design(assemble(mean, make_table(), StudyOptions())) is None
    assert fitted_design(assemble(make_model(), make_table(), StudyOptions())) is not None


def test_why_a_design_is_ill_conditioned():
    far = make_model(values=np.linspace(1e5, 1e5 + 1, 12)[:, None])
    study = assemble(far, make_table(), StudyOptions())
    text = ill_conditioned(study, 1e9)
    assert text.startswith("the design is ill-conditioned: condition number 1e+09, at most 10000; --illcond fits it")
    assert "lies far from 0" in text
    assert "--illcond" not in ill_conditioned(study, float("inf"))
    assert ill_conditioned(study, 10) == ""

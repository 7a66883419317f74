"""Structures are fitted alone where ratings exclude single ones, and only there."""

from dataclasses import replace

from fs_sclimbic.group.analysis import analyse
from fs_sclimbic.group.each_structure import fit_each_structure
from fs_sclimbic.group.study_plan import GlmInputs
from fs_sclimbic.group.text_table import format_group_table
from fs_sclimbic.qc.exclusion import Exclusion
from tests.groups import SUBJECTS, make_table, write_study


def inputs_with(folder, structures):
    write_study(folder)
    exclusion = Exclusion(source="r.tsv", words=("fail",), cases=(), structures=structures)
    return GlmInputs(
        table=str(folder / "t.dat"),
        fsgd=str(folder / "g.fsgd"),
        contrasts=("group = Control-Patient",),
        exclusion=exclusion,
    )


def test_without_single_structures_there_is_no_file(tmp_path):
    inputs = inputs_with(tmp_path, {})
    assert fit_each_structure(analyse(inputs)).files == {}
    assert fit_each_structure(analyse(replace(inputs, exclusion=None))).files == {}


def test_each_structure_has_its_own_subjects(tmp_path):
    lost = {name: ("B",) for name in SUBJECTS[4:]}
    inputs = inputs_with(tmp_path, {**lost, "sub-01": ("Left-A",)})
    found = fit_each_structure(analyse(replace(inputs, fsgd=None, one_sample=True, contrasts=())))
    (text,) = (content.decode() for content in found.files.values())
    rows = {line.split("\t")[0]: line.split("\t")[1] for line in text.splitlines()[1:]}
    assert rows == {"Left-A": "11", "Right-A": "12", "B": "4"}


def test_a_structure_that_cannot_be_fitted_is_said_and_costs_no_other(tmp_path):
    inputs = inputs_with(tmp_path, {"sub-05": ("Left-A",)})
    table = make_table()
    table.values[4, 2] = 0  # of sub-05, who is in the fit of B alone; it has no logarithm
    (tmp_path / "t.dat").write_text(format_group_table(table))
    inputs = replace(inputs, options=replace(inputs.options, logarithm=True))
    found = fit_each_structure(analyse(inputs))
    (text,) = (content.decode() for content in found.files.values())
    assert [line.split("\t")[0] for line in text.splitlines()] == ["structure", "Left-A", "Right-A"]
    assert "B could not be fitted alone (" in found.said[1]
    assert "logarithm" in found.said[1]

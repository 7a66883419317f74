"""A small study: two classes, ages, three structures and eTIV; how it is put into files, and analysed."""

import numpy as np

from fs_sclimbic.group.design.contrast import Contrast, named_contrast
from fs_sclimbic.group.design.design import Design, GroupClass
from fs_sclimbic.group.design.model import Model
from fs_sclimbic.group.fit.glm import fit_glm
from fs_sclimbic.group.fit.results import group_result
from fs_sclimbic.group.fit.study import StudyOptions, assemble
from fs_sclimbic.group.output.glm_files import notice_line
from fs_sclimbic.group.text_table import GroupTable, format_group_table

STRUCTURES = ("Left-A", "Right-A", "B")
SUBJECTS = tuple(f"sub-{i:02d}" for i in range(1, 13))
CLASS_OF = (0, 1) * 6
AGES = np.array([31.0, 44, 52, 29, 61, 70, 38, 55, 47, 33, 66, 58])


def make_design(**changes):
    settings = {
        "title": "small study",
        "subjects": SUBJECTS,
        "classes": (GroupClass("Control", "plus", "blue"), GroupClass("Patient")),
        "class_of": CLASS_OF,
        "variables": ("Age",),
        "values": AGES[:, None],
    }
    return Design(**{**settings, **changes})


def make_model(**changes):
    design = make_design(**changes)
    return Model(
        columns=design.columns, matrix=design.matrix, subjects=design.subjects, design=design, source="group.fsgd"
    )


def make_table(etiv="eTIV"):
    rng = np.random.default_rng(3)
    size = rng.normal(1.5e6, 1e5, 12)
    volumes = np.array([400.0, 410, 60]) - 15.0 * np.array(CLASS_OF)[:, None] - 0.5 * AGES[:, None] * [1, 1, 0.2]
    volumes = (volumes + rng.normal(0, 12, (12, 3)) * [1, 1, 0.3]) * (size / 1.5e6)[:, None]
    return GroupTable("Measure:volume", SUBJECTS, (*STRUCTURES, etiv), np.column_stack([volumes, size]).round(4))


def fsgd_text(extra="", subjects=SUBJECTS):
    lines = [
        f"Input {s} {('Control', 'Patient')[CLASS_OF[i]]} {AGES[i]:g}" for i, s in enumerate(SUBJECTS) if s in subjects
    ]
    return (
        "GroupDescriptorFile 1\nTitle small study\nClass Control plus blue\nClass Patient\nVariables Age\n"
        + extra + "\n".join(lines) + "\n"
    )  # fmt: skip


def write_study(folder, extra="", delimiter="tab", name="t.dat", table=None):
    """Files of the study; returns the flags that name them."""
    (folder / name).write_text(format_group_table(table or make_table(), delimiter))
    (folder / "g.fsgd").write_text(fsgd_text(extra))
    return ["--table", str(folder / name), "--fsgd", str(folder / "g.fsgd"), "--glmdir", str(folder / "out")]


def analysed(text="Patient-Control", model=None, weights=None, permutations=0, **options):
    """Study, fit and result of one contrast."""
    study = assemble(model or make_model(), make_table(), StudyOptions(**options))
    fit = fit_glm(study.matrix, study.values, weights)
    contrast = text if isinstance(text, Contrast) else named_contrast(text, study.columns)
    return study, fit, group_result(fit, contrast, study.structures, study.family, permutations=permutations)


def reordered(table, rows, columns=None):
    """A table with rows and columns in another order, or without some."""
    columns = list(range(len(table.columns))) if columns is None else columns
    return GroupTable(
        table.measure,
        tuple(table.subjects[i] for i in rows),
        tuple(table.columns[i] for i in columns),
        table.values[np.ix_(rows, columns)],
    )


def said(study, words):
    """Notices that hold some words, as lines."""
    return [line for line in map(notice_line, study.notices) if words in line]

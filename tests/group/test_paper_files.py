from pathlib import Path

from fs_sclimbic.group.analysis import analyse
from fs_sclimbic.group.harmonize.harmonization_note import HarmonizationNote, format_note
from fs_sclimbic.group.paper_files import paper_files
from fs_sclimbic.group.study_plan import GlmInputs
from fs_sclimbic.group.tables.provenance import OF_THE_ORIGINAL, Provenance, format_provenance, provenance_file
from tests.groups import SUBJECTS, write_study


def made_of(folder, rows):
    flags = write_study(folder)
    if rows:
        provenance_file(Path(flags[1])).write_bytes(format_provenance(rows))
    inputs = GlmInputs(table=flags[1], fsgd=flags[3], contrasts=("Patient-Control",), allow_mixed=True)
    analysis = analyse(inputs)
    return paper_files(analysis.plan, analysis.fit, analysis.results, robust=False, seed=1)


def test_how_rows_were_made(tmp_path):
    one = Provenance("a.h5 0123", ("Preset study", "Volumes from posteriors"), "image")
    found = made_of(tmp_path, [(subject, one) for subject in SUBJECTS])
    assert found.made == (
        ("Network weights", "a.h5 0123"),
        ("Settings", "Preset study; Volumes from posteriors"),
        ("Source of eTIV", "computed from the image"),
    )
    assert " ".join(found.methods) in found.files["methods.md"].decode()


def test_a_harmonised_table(tmp_path):
    flags = write_study(tmp_path)
    note = HarmonizationNote(
        method="ComBat, parametric empirical Bayes",
        site_column="site",
        site_of_row={subject: "AB"[i % 2] for i, subject in enumerate(SUBJECTS)},
        kept=("group", "age"),
        kept_numbers=("age",),
    )
    provenance_file(Path(flags[1])).write_bytes(format_note([], note))
    analysis = analyse(GlmInputs(table=flags[1], fsgd=flags[3], contrasts=("Age = Control:Age + Patient:Age",)))
    made = paper_files(analysis.plan, analysis.fit, analysis.results, robust=False, seed=1)
    text = made.files["methods.md"].decode()
    words = (
        "Values were harmonised over 'site' (A 6, B 6) by ComBat, parametric empirical Bayes; kept: group, age (Johnson"
    )
    assert words in text
    assert "Biostatistics" in text


def test_rows_of_which_nothing_is_known(tmp_path):
    assert made_of(tmp_path, []).made == (("Network weights, settings", "not recorded beside the table"),)
    one = Provenance("a.h5 0123", (), "")
    mixed = made_of(tmp_path, [(s, one if i else OF_THE_ORIGINAL) for i, s in enumerate(SUBJECTS)])
    assert mixed.made[-1] == ("Rows without a record", "1")
    assert "How 1 of 12 rows were made is not recorded" in " ".join(mixed.methods)

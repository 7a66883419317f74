import unicodedata

import pytest

from fs_sclimbic.errors import TableError
from tests.participants import HEADER, ROWS, made, refused


def test_who_is_in_it(table):
    path = table(HEADER + "".join(ROWS))
    chosen = ("sub-06", "sub-01", "sub-02", "sub-05")
    design, notices = made(path, subjects=chosen)
    assert design.subjects == chosen
    assert design.values.ravel().tolist() == [70, 20.5, 31, 63]
    assert notices == (f"2 subject(s) of {path} are not asked for and left out",)
    assert refused(path, subjects=("sub-01", "sub-09", "sub-01")) == [
        f"{path}: no subject 'sub-09', which is asked for",
        "subject 'sub-01' is asked for 2 times",
    ]


def test_a_prefix_is_put_where_it_lacks(table):
    text = HEADER + "".join(ROWS).replace("sub-02", "02").replace("sub-03", "03")
    design, _ = made(table(text), subject_prefix="sub-")
    assert design.subjects == tuple(f"sub-0{i}" for i in range(1, 7))


@pytest.mark.parametrize("missing", ["n/a", "", "NA", "NaN", "."])
def test_missing_values(table, missing):
    text = HEADER + "".join(ROWS).replace("\t31\t", f"\t{missing}\t").replace("\tPatient\t55", "\tn/a\t" + missing)
    path = table(text + f"sub-07\tM\tControl\t{missing}\t1\nsub-08\tM\tControl\t31\t{missing}\n")
    assert refused(path) == [
        f"{path}:3: subject 'sub-02' has no value of age",
        f"{path}:5: subject 'sub-04' has no value of diagnosis, age",
        f"{path}:8: subject 'sub-07' has no value of age",
        "3 subject(s) lack values; fill them in, or give --missing drop",
    ]
    design, notices = made(path, drop_missing=True)
    assert design.subjects == ("sub-01", "sub-03", "sub-05", "sub-06", "sub-08")
    assert notices == (
        f"{path}:3: subject 'sub-02' has no value of age: left out",
        f"{path}:5: subject 'sub-04' has no value of diagnosis, age: left out",
        f"{path}:8: subject 'sub-07' has no value of age: left out",
        "3 left out, 5 subjects stay",
    )


def test_missing_and_wrong_values_are_said_together(table):
    text = HEADER + "".join(ROWS).replace("\t31\t", "\tn/a\t").replace("\t42\t", "\t42,5\t").replace(
        "\t63\t", "\t63y\t"
    )
    path = table(text)
    assert refused(path) == [
        f"{path}:3: subject 'sub-02' has no value of age",
        "1 subject(s) lack values; fill them in, or give --missing drop",
        f"{path}:4: subject 'sub-03', variable 'age': expected a number, found '42,5'; write it with a decimal point",
        f"{path}:6: subject 'sub-05', variable 'age': expected a number, found '63y'",
    ]
    everybody = table(HEADER + "".join(ROWS).replace("\t1", "\tn/a"))
    assert refused(everybody, variables=("iq", "age"), drop_missing=True)[0].startswith(f"{everybody}:")


def test_decimal_commas_everywhere_are_numbers_yet(table):
    path = table(HEADER + "".join(row.replace("1", "1,") for row in ROWS))
    lines = refused(path, subject_column="iq", variables=("age",))
    assert lines == [f"{path}:3: subject '90', variable 'age': expected a number, found '31,'"]
    path = table(HEADER + "".join(row.replace("\t1", ",5\t1").replace("\t9", ",5\t9") for row in ROWS))
    lines = refused(path)
    assert len(lines) == 6
    assert (
        lines[1]
        == f"{path}:3: subject 'sub-02', variable 'age': expected a number, found '31,5'; write it with a decimal point"
    )


def test_text_is_no_variable(table):
    path = table(HEADER + "".join(ROWS))
    assert refused(path, variables=("age", "sex")) == [
        f"{path}:2: variable 'sex' holds text ('F', 'M'); give it to --class-columns instead"
    ]


def test_what_is_wrong_with_a_table(table):
    path = table(HEADER + "".join(ROWS) + ROWS[1] + "sub 07\tF\tPatient\t1\t2\nn/a\tF\tPatient\t1\t2\n")
    assert refused(path) == [
        f"{path}:8: subject 'sub-02' stands twice, first in line 3; keep one row a subject",
        f"{path}:9: subject 'sub 07' holds a blank, which an FSGD cannot; rename it",
        f"{path}:10: no subject in column 'participant_id', found 'n/a'",
    ]
    good = table(HEADER + "".join(ROWS), "good.tsv")
    assert refused(good, variables=("Age",), class_columns=("group",)) == [
        f"{good}:1: no column 'group'; the columns are participant_id, sex, diagnosis, age, iq",
        f"{good}:1: no column 'Age'; the columns are participant_id, sex, diagnosis, age, iq",
    ]
    assert refused(good, subject_column="id")[0].endswith("age, iq; name that of the subjects with --subject-column")
    assert refused(good, variables=("age", "age")) == [
        "column 'age' is asked for more than once; give it as subject, class or variable"
    ]
    twice = table(HEADER.replace("iq", "age") + "".join(ROWS), "twice.tsv")
    assert refused(twice) == [f"{twice}:1: column 'age' stands twice; rename one"]
    ragged = table(HEADER + ROWS[0] + "sub-02\tM\n", "ragged.tsv")
    assert refused(ragged) == [f"{ragged}:3: expected 5 cells as in the header, found 2"]
    empty = table(HEADER, "empty.tsv")
    assert "expected a header and one row a subject, found 1 line(s)" in refused(empty)[0]
    with pytest.raises(TableError, match="does not exist"):
        made(empty.with_name("absent.tsv"))


def test_a_table_of_windows(table):
    path = table("")
    text = HEADER.replace("diagnosis", "diagnósis") + "".join(ROWS).replace("Control", "Größe").replace(
        "sub-03", "Ñandú"
    )
    path.write_bytes(text.encode("cp1252"))
    design, notices = made(path, class_columns=("diagnósis",))
    assert [one.name for one in design.classes] == ["Größe", "Patient"]
    assert design.subjects[2] == "Ñandú"
    assert notices[0] == (
        f"{path}: is not UTF-8; it is read as Windows-1252, with 'diagnósis' in line 1; save the table as CSV (UTF-8) "
        "if that is wrong"
    )
    path.write_bytes(text.encode())
    assert made(path, class_columns=("diagnósis",))[1] == ()


def test_bytes_of_no_known_encoding(table):
    path = table("")
    path.write_bytes((HEADER + "".join(ROWS)).encode().replace(b"Control", b"C\x81ntrol?"))
    assert refused(path)[0] == (
        f"{path}:3: 'C?ntrol?' is neither UTF-8 nor Windows-1252; save the table as CSV (UTF-8)"
    )


def test_subjects_are_found_whatever_their_bytes(table):
    composed, decomposed = (unicodedata.normalize(form, "Müller") for form in ("NFC", "NFD"))
    path = table((HEADER + "".join(ROWS)).replace("sub-02", decomposed))
    design, notices = made(path, subjects=(composed, "sub-01", "sub-04", "sub-03"))
    assert design.subjects[0] == composed
    assert any(f"were matched: {composed}" in notice for notice in notices)


def test_blanks_in_place_of_a_tab(table):
    """As in github.com/bids-standard/bids-examples/pull/43."""
    path = table("participant_id\tsex\tage\nsub-07\tM\t24\nsub-08  M\t26\n")
    assert refused(path, class_columns=("sex",)) == [
        f"{path}:3: expected 3 cells as in the header, found 2; 'sub-08  M' holds blanks, is a delimiter missing?"
    ]


def test_two_columns_of_names_and_ranges_of_ages(table):
    """As in github.com/mne-tools/mne-bids-pipeline/pull/600."""
    path = table("participant_id\tparticipant_id\tage\nsub-001\tCQ2\t18-38\nsub-002\tBT4\t28\n")
    assert refused(path, class_columns=()) == [f"{path}:1: column 'participant_id' stands twice; rename one"]
    path = table("participant_id\tage\nsub-001\t18-38\nsub-002\t28\n")
    assert refused(path, class_columns=()) == [
        f"{path}:2: subject 'sub-001', variable 'age': expected a number, found '18-38'"
    ]


def test_a_column_that_is_not_there_is_named(table):
    """As in github.com/cpp-lln-lab/bidspm/issues/1046, which shows a traceback."""
    path = table(HEADER + "".join(ROWS))
    assert refused(path, class_columns=("Group",)) == [
        f"{path}:1: no column 'Group'; the columns are participant_id, sex, diagnosis, age, iq"
    ]


def test_ages_that_are_an_end_of_a_range(table):
    path = table(HEADER + "".join(ROWS).replace("\t31\t", "\t89+\t"))
    (problem,) = refused(path)
    assert problem == (
        f"{path}:3: subject 'sub-02', variable 'age': expected a number, found '89+', a range; give --missing cap to "
        "take its end, or --missing drop to leave the subject out"
    )
    design, notices = made(path, drop_missing=True)
    assert "sub-02" not in design.subjects
    assert f"{path}:3: subject 'sub-02' has no value of age (89+): left out" in notices
    design, notices = made(path, cap_ranges=True)
    assert design.values[design.subjects.index("sub-02"), 0] == 89
    assert any("variable 'age' is capped" in notice and "sub-02 (89+)" in notice for notice in notices)

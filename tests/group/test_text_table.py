import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_sclimbic.errors import TableError
from fs_sclimbic.group.text_table import (
    DELIMITERS,
    ETIV_NAMES,
    GroupTable,
    etiv_column,
    format_group_table,
    read_group_table,
)

TEXT = "Measure:volume\tA\tB\teTIV\nbert\t1.5\t-2\t1e6\nernie\t+.5\t0.1\t1640017.851257\n"


@pytest.mark.parametrize("name", ["t.dat", "t.csv", "t.CSV", "t.tsv", "t.txt", "table"])
@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.replace("\t", ","),
        TEXT.replace("\t", ", "),
        TEXT.replace("\t", ";"),
        TEXT.replace("\t", "  "),
        TEXT.replace("\t", " ").replace("\n", " \n"),
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("\n", "\r"),
        TEXT.strip(),
        TEXT + "\n\n",
        TEXT.replace("\n", "\n\n"),
        "\ufeff" + TEXT,
        TEXT.replace("\t", ",").replace("bert", '"bert"').replace("Measure:volume", '"Measure:volume"'),
        TEXT.replace("\t", " ").replace("bert", '"bert"'),
        TEXT.replace("\t", ",").replace("\n", ",\n"),
        TEXT.replace("\n", "\t\n") + "\t\t\t\t\n",
        TEXT.replace("\t", ",") + ",,,\n",
        TEXT[: TEXT.index("\n")] + TEXT[TEXT.index("\n") :].replace("\t", "  "),
    ],
)
def test_cells_are_told_apart_by_content(write, name, text):
    table = read_group_table(write(text, name))
    assert table.measure == "Measure:volume"
    assert table.subjects == ("bert", "ernie")
    assert table.columns == ("A", "B", "eTIV")
    assert table.values.tolist() == [[1.5, -2, 1e6], [0.5, 0.1, 1640017.851257]]
    assert table.values.dtype == np.float64


@pytest.mark.parametrize("cell", ["NA", "nan", "-nan", "inf", "", "12abc", "1,5", "?", "0x10", "1_000", "1e999", "١"])
@pytest.mark.parametrize("delimiter", ["\t", ";"])
def test_no_number_is_refused_with_its_place(write, cell, delimiter):
    path = write(TEXT.replace("0.1", cell).replace("\t", delimiter))
    with pytest.raises(TableError, match=r"t\.dat:3: subject 'ernie', column 'B': expected a finite number") as error:
        read_group_table(path)
    assert cell in str(error.value)


def test_a_decimal_comma_is_named(write):
    with pytest.raises(TableError, match="with a decimal point"):
        read_group_table(write("m;A\nbert;1,5\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t.dat: the table is empty"),
        ("\n \n", "t.dat: the table is empty"),
        ("m\tA\n", "t.dat: holds a header and no subject"),
        ("m\nbert\n", "t.dat:1: expected a header"),
        ("m\tA\tB\nbert\t1\nernie\t1\t2\n", "t.dat:2: expected 3 cells as in the header .* found 2 for 'bert'"),
        ("m\tA\tB\nernie\t1\t2\nbert\t1\t2\t3\n", "t.dat:3: expected 3 cells .* found 4 for 'bert'"),
        ("m,A,B\nbert,1\n", "t.dat:2: expected 3 cells"),
        ("m, A,B\nbert, 1\n", "t.dat:2: expected 3 cells"),
        ("m\tA\tB\nsub 01\t5\n", "t.dat:2: expected 3 cells"),
        ("m\tA\tA\nbert\t1\t2\n", "t.dat:1: column 'A' stands twice; remove"),
        ("m\tA\t\tB\nbert\t1\t2\t3\n", "t.dat:1: column 2 has no name"),
        ("m\tA\n\tbert\n", "t.dat:2: subject 1 has no name"),
        ("m\tA\nbert\t1\n\nernie\t1\nbert\t2\n", "t.dat:5: subject 'bert' stands twice, first in line 2"),
        ("A B\nbert 1 2\nernie 3 4\n", "t.dat:1: the header has 2 cells and each row 3"),
        ('m,A\n"bert,1\n', "a quote is not closed"),
        (TEXT.encode("utf-16"), "expected text in UTF-8"),
        (b"PK\x03\x04\0", "expected text in UTF-8"),
    ],
)
def test_bad_tables(write, text, message):
    with pytest.raises(TableError, match=message):
        read_group_table(write(text))


def test_missing_file(tmp_path):
    with pytest.raises(TableError, match=r"none\.dat: file does not exist"):
        read_group_table(tmp_path / "none.dat")
    with pytest.raises(TableError, match="cannot be read"):
        read_group_table(tmp_path)


def test_all_problems_at_once(write):
    rows = "".join(f"s{i}\tNA\t{i}\n" for i in range(50)) + "t\t5\t5\n"
    with pytest.raises(TableError) as error:
        read_group_table(write(f"m\tA\tA\n{rows}s0\t1\t2\t3\n"))
    lines = str(error.value).splitlines()
    assert "column 'A' stands twice" in lines[0]
    assert "subject 's0' stands twice" in lines[1]
    assert ":2: subject 's0', column 'A'" in lines[2]
    assert lines[-1] == "... and 33 more"  # 1 column + 1 subject + 50 cells + 1 row - 20
    assert len(lines) == 21


def test_a_column_without_numbers_is_one_problem(write):
    rows = "".join(f"sub-{i:02d}\t{20 + i}\t{'FM'[i % 2]}\tNA\t1,5\t{'NA' if i else 'ctl'}\n" for i in range(30))
    path = write(f"participant_id\tage\tsex\tiq\tdose\tgroup\n{rows}", "participants.tsv")
    with pytest.raises(TableError) as error:
        read_group_table(path)
    assert str(error.value).splitlines() == [
        f"{path}: column 'sex' holds text: 'F' in line 2 ...; this does not look like a table of volumes",
        f"{path}: column 'iq' holds no number: 'NA' in line 2 ...; leave the column out or fill it in",
        f"{path}: column 'dose' holds no number: '1,5' in line 2 ...; write numbers with a decimal point",
        f"{path}: column 'group' holds text: 'ctl' in line 2 ...; this does not look like a table of volumes",
    ]


def test_a_column_with_some_number_is_told_cell_by_cell(write):
    with pytest.raises(TableError) as error:
        read_group_table(write("m\tA\na\tx\nb\t1\nc\ty\n"))
    assert len(str(error.value).splitlines()) == 2
    with pytest.raises(TableError, match="column 'A': expected a finite number, found 'x'"):
        read_group_table(write("m\tA\na\tx\n"))


def test_structures_in_rows_are_refused(write):
    for text in ("m\tbert\tx\nA\t1\t2\neTIV\t3\t4\n", "m\tbert\tx\nLeft-A\t1\t2\nRight-A\t3\t4\n"):
        with pytest.raises(TableError, match=r"the rows are structures .* without --transpose"):
            read_group_table(write(text))
    assert read_group_table(write("m\tLeft-B\tRight-B\nLeft-A\t1\t2\nRight-A\t3\t4\n")).columns == ("Left-B", "Right-B")


def test_names_are_kept_as_they_are(write):
    table = read_group_table(write("m\tA B\tC,D\n001\t1\t2\nSub 2\t3\t4\n"))
    assert table.subjects == ("001", "Sub 2")
    assert table.columns == ("A B", "C,D")
    assert read_group_table(write('"",A\n"odd, name",1\n')).subjects == ("odd, name",)
    assert read_group_table(write(",A\nbert,1\n")).measure == "subject"


@pytest.mark.parametrize("name", ETIV_NAMES)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_etiv_is_found_wherever_it_stands(name, place):
    columns = ["A", "etiv"]
    columns.insert(place, name)
    assert etiv_column(GroupTable("m", (), tuple(columns), np.zeros((0, 3)))) == place


def test_etiv_by_its_exact_names_and_once():
    assert etiv_column(GroupTable("m", (), ("etiv", "ICV", "IntraCranialVol"), np.zeros((0, 3)))) is None
    with pytest.raises(TableError, match="2 columns of eTIV"):
        etiv_column(GroupTable("m", (), ETIV_NAMES, np.zeros((0, 2))))


TABLE = GroupTable(
    "Measure:volume", ("bert", "ernie"), ("A", "eTIV"), np.array([[412.0, 1640017.851257], [3.29e-05, 1.5e16]])
)


def test_text_of_a_table():
    assert format_group_table(TABLE) == (
        "Measure:volume\tA\teTIV\nbert\t412.0\t1640017.851257\nernie\t3.29e-05\t1.5e+16\n"
    )
    assert format_group_table(TABLE, "space", transpose=True) == (
        "Measure:volume bert ernie\nA 412 3.29e-05\neTIV 1.64002e+06 1.5e+16\n"
    )


@pytest.mark.parametrize(
    ("delimiter", "name"),
    [("tab", "a\tb"), ("comma", "a,b"), ("space", "a b"), ("space", "a,b"), ("semicolon", "a;b"), ("tab", "a\nb")]
    + [(delimiter, "") for delimiter in DELIMITERS],
)
def test_names_that_would_move_the_columns_are_refused(delimiter, name):
    for table in (
        GroupTable("m", (name,), ("A",), np.zeros((1, 1))),
        GroupTable("m", ("s",), (name,), np.zeros((1, 1))),
        GroupTable(name, ("s",), ("A",), np.zeros((1, 1))),
    ):
        with pytest.raises(TableError, match=f"with {delimiter} as delimiter"):
            format_group_table(table, delimiter)


NAMES = st.lists(st.text("aZ0-_.:#é", min_size=1, max_size=5), min_size=1, max_size=4, unique=True)


@given(NAMES, NAMES, st.sampled_from(list(DELIMITERS)), st.data())
def test_what_is_written_is_read(tmp_path_factory, subjects, columns, delimiter, data):
    numbers = st.floats(-1e100, 1e100)
    values = [[data.draw(numbers) for _ in columns] for _ in subjects]
    table = GroupTable("Measure:volume", tuple(subjects), tuple(columns), np.array(values))
    path = tmp_path_factory.mktemp("round") / "t.dat"
    path.write_text(format_group_table(table, delimiter), "utf-8")
    read = read_group_table(path)
    assert (read.measure, read.subjects, read.columns) == (table.measure, table.subjects, table.columns)
    assert np.array_equal(read.values, table.values)


REFUSED = {
    "csv_empty_cell.csv": r":2: subject 'sub-001', column 'Left-Nucleus-Accumbens': .* an empty cell",
    "csv_short.csv": r":2: expected 15 cells .* found 14 for 'sub-001'",
    "empty.dat": "the table is empty",
    "extra_cell.dat": r":2: expected 15 cells .* found 16 for 'sub-001'",
    "missing_cell.dat": r":2: expected 15 cells .* found 14 for 'sub-001'",
    "na_cell.dat": r":2: subject 'sub-001', column 'Left-Nucleus-Accumbens': .* found 'NA'",
    "nan_cell.dat": r":2: subject 'sub-001', column 'Left-Nucleus-Accumbens': .* found 'nan'",
    "transposed.dat": r":2: the rows are structures",
}


@pytest.mark.parity
def test_the_tables_that_mri_glmfit_was_given(shared):
    """The good ones are all one table, also those that the original crashes on; others are refused with the line."""
    group = shared / "reference/group"
    truth = read_group_table(group / "sclimbic.dat")
    by_subject = dict(zip(truth.subjects, truth.values, strict=True))
    read = set()
    for path in sorted(group.glob("table_cases/*")):
        if path.name == "SUMMARY.txt":
            continue
        if path.name in REFUSED:
            with pytest.raises(TableError, match=f"{path.name}.*{REFUSED[path.name]}"):
                read_group_table(path)
            continue
        table = read_group_table(path)
        read.add(path.name)
        assert len(table.columns) == 14
        assert (etiv_column(table) is None) == (path.name == "etiv_name_ICV.dat")
        assert len(table.subjects) == (19 if path.name == "fewer_rows.dat" else 20)
        for subject, row in zip(table.subjects, table.values, strict=True):
            if path.name == "other_names.dat":
                continue
            # mri_sclimbic_seg writes four decimals, asegstats2table takes eTIV's six from the stats file.
            assert np.allclose(row, by_subject[subject], rtol=0, atol=5e-5 if path.suffix.lower() == ".csv" else 0)
    assert len(read) >= 14
    assert {"noext", "trailing_blank.dat", "comma.dat", "TABLE2.CSV", "csv_trailing_blank.csv"} <= read

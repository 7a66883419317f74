import os
import re
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fs_sclimbic.errors import DesignError, UsageError
from fs_sclimbic.group.design.contrast import Contrast
from fs_sclimbic.group.design.design import Design, GroupClass
from fs_sclimbic.group.design.fsgd import format_fsgd, parse_fsgd, read_fsgd
from tests.fsgd_texts import GOOD, HEAD, INPUTS, refused, warned


def test_a_good_file():
    design, warnings = parse_fsgd(GOOD)
    assert warnings == ()
    assert design.title == "my title"
    assert design.subjects == tuple(f"s{i}" for i in range(8))
    assert design.classes == (GroupClass("A"), GroupClass("B"))
    assert design.class_of == (0, 1) * 4
    assert design.variables == ("Age", "IQ")
    assert design.values[1].tolist() == [31, 90]
    assert (design.method, design.demean, design.rescale, design.method_in_file) == ("dods", False, False, False)


def test_every_tag_is_kept():
    text = GOOD + (
        "Title last\nMeasurementName thickness\nTessellation surface\nRegistrationSubject fsaverage\nPlotFile a.mgh\n"
        "DefaultVariable IQ\nDeMeanFlag 1\nReScaleFlag 1\nResidualFWHM 7.5\nLogY 1\ndoss\n"
        "Contrast diff 1 -1 0 0\nContrast age 0 0 .5 0\nFContrast both age diff\n"
        "Creator mri_glmfit\nSUBJECTS_DIR /x\nSynthSeed 5\n"
    )
    design, warnings = parse_fsgd(text.replace("Class A", "Class A plus blue"), "f")
    assert warnings == ("f:14: a second Title; this one is used",)
    assert design.classes[0] == GroupClass("A", "plus", "blue")
    kept = (design.measurement, design.tessellation, design.registration_subject, design.plot_file)
    assert kept == ("thickness", "surface", "fsaverage", "a.mgh")
    assert (design.title, design.default_variable, design.residual_fwhm, design.log_y) == ("last", "IQ", 7.5, 1)
    assert (design.method, design.method_in_file, design.demean, design.rescale) == ("doss", True, True, True)
    assert [contrast.name for contrast in design.contrasts] == ["diff", "age", "both"]
    assert design.contrasts[2].matrix.tolist() == [[0, 0, 0.5, 0], [1, -1, 0, 0]]
    assert design.contrast_rows == (("both", ("age", "diff")),)


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("\n", "\n\n"),
        "\n \n" + GOOD,
        GOOD.replace(" ", "\t"),
        GOOD.replace("\n", "  \n"),
        GOOD.replace("Input", "  INPUT").replace("Class", "cLASS").replace("Group", "gROUP"),
        GOOD.rstrip(),
        GOOD.replace("Variables", "# a note Input s9\n#Input s9 A 1 2\nVariable"),
        GOOD.replace("20 100", "2e1 +100.0"),
    ],
)
def test_ways_to_write_the_same(text):
    design, warnings = parse_fsgd(text)
    assert warnings == ()
    assert np.array_equal(design.matrix, parse_fsgd(GOOD)[0].matrix)


def test_bytes_of_other_systems(tmp_path):
    path = tmp_path / "g.fsgd"
    path.write_bytes(GOOD.replace("\n", "\r\n").encode())
    design, warnings = read_fsgd(path)
    assert (design.title, warnings) == ("my title", ())
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    design, warnings = read_fsgd(path)
    assert len(design.subjects) == 8
    assert warnings == (
        f"{path}:1: begins with a byte order mark, which mri_glmfit refuses; save it as UTF-8 without one",
    )
    for content, message in (
        (GOOD.replace("\n", "\r").encode(), r"g\.fsgd:1: lines end with a carriage return alone"),
        (GOOD.encode("utf-16"), r"g\.fsgd:1: expected text in UTF-8"),
        (b"", r"g\.fsgd:1: expected 'GroupDescriptorFile 1', the file is empty"),
    ):
        path.write_bytes(content)
        with pytest.raises(DesignError, match=message):
            read_fsgd(path)
    path.write_bytes(GOOD.replace("s3", "M\xfcller").encode("latin-1"))
    assert os.fsencode(read_fsgd(path)[0].subjects[3]) == b"M\xfcller"
    with pytest.raises(DesignError, match=r"absent\.fsgd: FSGD does not exist"):
        read_fsgd(tmp_path / "absent.fsgd")
    with pytest.raises(DesignError, match="cannot be read"):
        read_fsgd(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# hello\n" + GOOD, "f:1: expected 'GroupDescriptorFile 1', found '# hello'; put this line first"),
        (GOOD.replace("File 1", "File"), "f:1: expected 'GroupDescriptorFile 1', found 'GroupDescriptorFile'; write"),
        (GOOD.replace("File 1", "File 2"), "f:1: expected 'GroupDescriptorFile 1', found 'GroupDescriptorFile 2'"),
        ("hello\n" + GOOD, "f:1: expected 'GroupDescriptorFile 1', found 'hello'"),
        (HEAD, "f:5: the file ends here without an Input line"),
        (GOOD.replace("Class", "#"), "f:13: the file ends here without a Class line"),
        (GOOD.replace("Class B\n", "Class B\nClass A\n"), "f:5: class 'A' stands twice, first in line 3"),
        (GOOD.replace("Class B\n", "Class B\nClass C\n"), "f:5: class 'C' has no subject"),
        (GOOD.replace("Class B", "Class"), "f:4: expected 'Class NAME [MARKER [COLOUR]]', found 'Class' alone"),
        (GOOD + "Input s9 Z 1 2\n", "f:14: class 'Z' of subject 's9' is not defined; the classes are A, B"),
        (GOOD + "Input s9 a 1 2\nInput s10 a 3 4", "f:14: class 'a' of subject 's9' and 1 more line(s) is not"),
        (GOOD.replace("Class B\n", "") + "Class B\n", "f:6: class 'B' is used here and 3 more line(s), but"),
        (GOOD + "Input s1 A 1 2\n", "f:14: subject 's1' stands twice, first in line 7"),
        (GOOD + "Input s9 A 1\n", "f:14: expected 2 value(s) (Age, IQ) for subject 's9', found 1: '1'"),
        (GOOD + "Input s9 A 1 2 3\n", "f:14: expected 2 value(s) (Age, IQ) for subject 's9', found 3: '1 2 3'"),
        (GOOD + "Input s9 B A 1 2\n", "f:14: expected 2 value(s) (Age, IQ) for subject 's9', found 3: 'A 1 2'; names"),
        (GOOD + "Input s9\n", "f:14: expected 'Input SUBJECT CLASS [VALUES]', found 'Input s9'"),
        (GOOD + "Input s9 A 1 2 # why\n", "f:14: a comment cannot follow in a line, found '# why' behind subject 's9'"),
        (GOOD + "Input s9 A 1 12,5\n", "f:14: subject 's9', variable 'IQ': expected a number, found '12,5'; write"),
        (GOOD + "Input s9 A 1 12abc\n", "f:14: subject 's9', variable 'IQ': expected a number, found '12abc'"),
        (GOOD + "Input s9 A ? 2\n", "f:14: subject 's9', variable 'Age': expected a number, found '?', a missing"),
        (GOOD + "Input s9 A 1 -nan\n", "f:14: subject 's9', variable 'IQ': expected a number, found '-nan', a missing"),
        (GOOD + "Input s9 A 1 NA\n", "found 'NA', a missing value; leave the subject out or fill it in"),
        (GOOD + "Input s9 A 1 1e999\n", "f:14: subject 's9', variable 'IQ': expected a number, found '1e999'"),
        (GOOD + "Input s9 A 1 \u22125\n", "expected a number, found '\u22125', whose minus is a dash; write '-'"),
        (GOOD + "Input s9 A 1 0x1F\n", "f:14: subject 's9', variable 'IQ': expected a number, found '0x1F'"),
        (GOOD + "Input s9 A\u00a01 2\n", "f:14: holds a blank that is none (U+00A0); type the blank again"),
        (GOOD + "Input s9\u200b A 1 2\n", "f:14: holds a blank that is none (U+200B)"),
        (GOOD + "Inptu s9 A 1 2\n", "f:14: unknown tag 'Inptu', did you mean 'Input'? found 'Inptu s9 A 1 2'; the"),
        (GOOD + "Subject s9 A 1 2\n", "f:14: unknown tag 'Subject', did you mean 'Input'?"),
        (GOOD + "DemeanFlg 1\n", "f:14: unknown tag 'DemeanFlg', did you mean 'DeMeanFlag'?"),
        (GOOD + "Contrasts d 1 -1 0 0 0 0\n", "f:14: unknown tag 'Contrasts', did you mean 'Contrast'?"),
        (GOOD.replace("Variables", "Varaibles"), "f:5: unknown tag 'Varaibles', did you mean 'Variables'?"),
        (GOOD.replace("Variables Age IQ\n", ""), "f:5: found 2 value(s) for subject 's0' and no Variables line"),
        (GOOD.replace("Variables Age IQ", "Variables"), "f:6: expected no value for subject 's0', found 2: '20 100'"),
        (GOOD.replace("Variables", "Variables X\nVariables"), "f:6: a second Variables line, the first is line 5"),
        (GOOD.replace("Age IQ", "Age Age"), "f:5: variable 'Age' stands twice"),
        (GOOD.replace("Age IQ", "Age IQ # years"), "f:5: a comment cannot follow in a line, found '# years'"),
        (GOOD.replace("Variables Age IQ\n", "") + "Variables Age IQ\n", "f:13: Variables stands below the first Input"),
        (GOOD + "DefaultVariable Nope\n", "f:14: default variable 'Nope' is none of the variables (Age, IQ)"),
        (GOOD + "MeasurementName\n", "f:14: expected a word behind MeasurementName"),
        (GOOD + "DeMeanFlag yes\n", "f:14: expected 0 or 1 behind DeMeanFlag, found 'yes'"),
        (GOOD + "DeMeanFlag\n", "f:14: expected 0 or 1 behind DeMeanFlag, found ''"),
        (GOOD + "ReScaleFlag 2\n", "f:14: expected 0 or 1 behind ReScaleFlag, found '2'"),
        (GOOD + "DeMeanFlag 1\nDeMeanFlag 0\n", "f:15: DeMeanFlag stands twice with different values"),
        (GOOD + "LogY 0.5\n", "f:14: expected a number behind LogY, found '0.5'"),
        (GOOD + "DODS\nDOSS\n", "f:15: the file says both DODS and DOSS"),
        (GOOD + "DesignMatFile X.mat dods\n", "f:14: DesignMatFile is not read, found 'DesignMatFile X.mat dods'"),
        (GOOD + "VariableFromASeg Left-Hippocampus\n", "f:14: VariableFromASeg is not read"),
        (GOOD + "VariableFromFile aseg.stats 1 2\n", "f:14: VariableFromFile is not read"),
        (GOOD + "Contrast d\n", "f:14: expected 'Contrast NAME WEIGHTS', found 'Contrast d'"),
        (GOOD + "Contrast d 1 x 0 0 0 0\n", "f:14: contrast 'd': expected numbers, found 'x'"),
        (GOOD + "Contrast a/b 1 -1 0 0 0 0\n", "f:14: 'a/b' cannot name a contrast"),
        (GOOD + "Contrast d 1 -1 0 0 0 0\nContrast d 1 0 0 0 0 0\n", "f:15: contrast 'd' stands twice"),
        (GOOD + "Contrast d 1 -1 0 0\n", "the design 6 columns: A, B, A:Age, B:Age, A:IQ, B:IQ; it fits doss"),
        (GOOD + "Contrast d 0 0 0 0 0 0\n", "f:14: contrast 'd': row 1 is all zeros"),
        (GOOD + "FContrast f d\n", "f:14: FContrast 'f' names 'd', which is no Contrast"),
        (GOOD + "Contrast d 1 0 0 0 0 0\nFContrast e d\nFContrast f e d\n", "f:16: FContrast 'f' names 'e', which is"),
        (GOOD.replace(INPUTS[2] + INPUTS[3], ""), None),
        (HEAD + "".join(INPUTS[:5]), "f:4: class 'B' has 2 subject(s); dods with 2 variable(s) needs at least 3"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(text, message):
    if message is None:
        assert len(parse_fsgd(text)[0].subjects) == 6
        return
    lines = refused(text)
    assert any(line.startswith(message) or (not message.startswith("f:") and message in line) for line in lines)


def test_the_method():
    assert parse_fsgd(GOOD, method="DOSS")[0].method == "doss"
    assert parse_fsgd(GOOD, method="none")[0].method == "dods"
    design, warnings = parse_fsgd(GOOD + "DOSS\n", "f", "dods")
    assert design.method == "doss"
    assert warnings == ("f:14: the tag DOSS is used, not 'dods' as asked for elsewhere",)
    assert warned(GOOD + "DOSS\n", method="doss") == warned(GOOD + "DOSS\n") == []
    with pytest.raises(UsageError, match="design method 'x': expected dods, doss or none"):
        parse_fsgd(GOOD, method="x")
    # Sizes of classes matter to dods alone.
    assert len(parse_fsgd(HEAD + "".join(INPUTS[:5]), method="doss")[0].subjects) == 5


def test_rescaling_that_is_asked_for():
    design, _ = parse_fsgd(GOOD, rescale=True, method="doss")
    assert design.matrix[:, 2].std() == pytest.approx(1)
    assert design.matrix[:, 2].mean() > 1


def test_repeated_subjects(monkeypatch):
    text = GOOD + "Input s1 A 5 6\n"
    assert warned(text, allow_repeated=True) == ["f:14: subject 's1' on several Input lines, as allowed"]
    (more,) = warned(text + "Input s1 A 7 6\nInput s2 A 7 6\n", allow_repeated=True)
    assert more == "f:14: subject 's1' and 1 more subject(s) on several Input lines, as allowed"
    monkeypatch.setenv("FSGDF_ALLOW_SUBJ_REP", "")
    assert parse_fsgd(text)[0].subjects.count("s1") == 2


NAME = st.from_regex(r"[\w+.-][\w:+.#-]{0,7}", fullmatch=True)
NAMES = st.lists(NAME, min_size=1, max_size=4, unique=True)
VALUE = st.floats(-1e100, 1e100)


@st.composite
def designs(draw):
    classes = draw(NAMES)
    variables = draw(st.lists(NAME, max_size=3, unique=True))
    least = len(variables) + 1
    sizes = [draw(st.integers(least, least + 2)) for _ in classes]
    class_of = draw(st.permutations([i for i, size in enumerate(sizes) for _ in range(size)]))
    subjects = draw(st.lists(NAME, min_size=len(class_of), max_size=len(class_of), unique=True))
    values = [[draw(VALUE) for _ in variables] for _ in class_of]
    method = draw(st.sampled_from(["dods", "doss"]))
    width = len(classes) + len(variables) if method == "doss" else len(classes) * least
    rows = [
        Contrast(f"c{i}", np.eye(width)[[i]] * draw(st.floats(0.1, 99))) for i in range(draw(st.integers(0, 2)) % width)
    ]
    stacked = (
        [Contrast("F", np.vstack([row.matrix / np.abs(row.matrix).max() for row in rows]))] if len(rows) > 1 else []
    )
    if stacked:
        rows = [Contrast(row.name, row.matrix / np.abs(row.matrix).max()) for row in rows]
    return Design(
        title=draw(st.from_regex(r"(\w[\w #]*\w)?", fullmatch=True)),
        subjects=tuple(subjects),
        classes=tuple(GroupClass(name, *draw(st.sampled_from([(), ("plus",), ("plus", "blue")]))) for name in classes),
        class_of=tuple(class_of),
        variables=tuple(variables),
        values=np.array(values).reshape(len(class_of), len(variables)),
        method=method,
        demean=draw(st.booleans()),
        rescale=draw(st.booleans()),
        contrasts=(*rows, *stacked),
        contrast_rows=(("F", tuple(row.name for row in rows)),) if stacked else (),
        method_in_file=draw(st.booleans()),
        measurement=draw(st.sampled_from(["", "thickness"])),
        default_variable=draw(st.sampled_from(["", *variables])),
        residual_fwhm=draw(st.sampled_from([None, -1.0, 7.25])),
        log_y=draw(st.sampled_from([None, 0, 1])),
    )


@settings(deadline=None)
@given(designs())
def test_any_design_comes_back_from_its_text(design):
    text = format_fsgd(design)
    again, _ = parse_fsgd(text, method=design.method)
    assert format_fsgd(again) == text
    assert "\n\n" not in text
    for name in Design.__dataclass_fields__:
        if name not in ("values", "contrasts"):
            assert getattr(again, name) == getattr(design, name), name
    assert np.array_equal(again.values, design.values)
    assert [contrast.name for contrast in again.contrasts] == [contrast.name for contrast in design.contrasts]
    for one, other in zip(again.contrasts, design.contrasts, strict=True):
        assert np.array_equal(one.matrix, other.matrix)


@pytest.mark.parametrize(
    "change",
    [
        {"subjects": ("a b", "s1", "s2", "s3")},
        {"subjects": ("a", "a", "s2", "s3"), "classes": (GroupClass("A B"), GroupClass("C"))},
        {"classes": (GroupClass("A", "", "blue"), GroupClass("B"))},
        {"variables": ("#x",)},
        {"variables": ("two words",)},
        {"measurement": "two words"},
        {"values": np.array([[1], [2], [3], [np.nan]])},
    ],
)
def test_what_no_fsgd_can_hold(change):
    good = {
        "title": "t",
        "subjects": ("s0", "s1", "s2", "s3"),
        "classes": (GroupClass("A"), GroupClass("B")),
        "class_of": (0, 1, 0, 1),
        "variables": ("x",),
        "values": np.arange(4.0)[:, None],
    }
    format_fsgd(Design(**good))
    with pytest.raises(DesignError, match="an FSGD cannot hold"):
        format_fsgd(Design(**{**good, **change}))


@given(st.text(alphabet=st.sampled_from(list("InputClassVariables AB12,#.-\n\t\r\0?é\u00a0")), max_size=80))
def test_no_text_crashes(text):
    for start in ("", "GroupDescriptorFile 1\n", GOOD):
        try:
            parse_fsgd(start + text)
        except DesignError as error:
            lines = str(error).split("\n")
        else:
            lines = []
        assert all(re.match(r"fsgd(:\d+)?: ", line) for line in lines)


def test_ten_thousand_subjects_take_no_time():
    lines = [f"Input sub-{i:05d} {'AB'[i % 2]} {i % 60}.25 {100 + i % 7}\n" for i in range(10000)]
    begin = time.perf_counter()
    design, _ = parse_fsgd(HEAD + "".join(lines))
    assert design.matrix.shape == (10000, 6)
    assert time.perf_counter() - begin < 2


# What the original reads and we refuse: a lost subject, and numbers that are none. With the mended text.
STRICTER = {
    "unknown_tag": (7, "Inptu s9 A 1 2\n", ""),
    "comma_decimal": (14, "12,5", "12"),
    "punct_var": (14, "?", "0"),
}
REFUSED = {
    "comment_first": [1],
    "contrast_empty": [6],
    "contrast_ragged": [7, 8],
    "cr_only": [1],
    "default_missing": [14],
    "dup_class": [5],
    "dup_subject": [14],
    "fcontrast_nested": [8],
    "nan_var": [14],
    "neg_nan": [14],
    "no_classes": [11],
    "no_inputs": [5],
    "no_version": [1],
    "not_fsgd": [1],
    "small_class_err": [4],
    "too_few_vars": [14],
    "too_many_vars": [14],
    "two_variables_lines": [6],
    "undefined_class": [14],
    "unused_class": [5],
}


def format_matrix(design):
    return "".join("".join(f"{value:+4.5f} " for value in row) + "\n" for row in design.matrix)


@pytest.mark.parity
def test_designs_are_those_of_the_original(shared, monkeypatch):
    folder = shared / "reference/group/fsgd_cases"
    pattern = re.compile(r"## (\S+) rc=.*?command: mri_glmfit (.*?) --xonly", re.DOTALL)
    commands = dict(pattern.findall((folder / "SUMMARY.txt").read_text()))
    seen = set()
    for path in sorted(folder.glob("*.fsgd")):
        name, words = path.stem, commands[path.stem].split()
        method = words[words.index("--fsgd") + 2] if len(words) > words.index("--fsgd") + 2 else None
        expected = folder / f"{name}.X.dat"
        with monkeypatch.context() as patch:
            if name == "dup_subject_env":
                patch.setenv("FSGDF_ALLOW_SUBJ_REP", "1")
            allow = "--allowsubjrep" in words
            if name in REFUSED or name in STRICTER:
                with pytest.raises(DesignError) as caught:
                    read_fsgd(path, method, allow_repeated=allow)
                lines = [
                    int(re.match(rf"{re.escape(str(path))}:(\d+): ", line)[1])
                    for line in str(caught.value).splitlines()
                ]
                assert lines == (REFUSED.get(name) or [STRICTER[name][0]])
                assert expected.exists() == (name in STRICTER)
            if name in STRICTER:
                text = path.read_text().replace(*STRICTER[name][1:])
                assert format_matrix(parse_fsgd(text, method=method)[0]) == expected.read_text()
            elif name not in REFUSED:
                design, _ = read_fsgd(path, method, allow_repeated=allow)
                assert format_matrix(design) == expected.read_text(), name
        seen.add(name)
    assert {*REFUSED, *STRICTER} <= seen
    assert len(seen) == 52


@pytest.mark.parity
def test_the_cohort_of_the_original(shared):
    group = shared / "reference/group"
    for case, method in (("dods-etiv", "dods"), ("doss-etiv", "doss")):
        design, warnings = read_fsgd(group / "group.fsgd", method)
        assert format_matrix(design) == (group / "expected" / case / "Xg.dat").read_text()
        assert warnings == ()
        assert parse_fsgd(format_fsgd(design))[0].classes == design.classes

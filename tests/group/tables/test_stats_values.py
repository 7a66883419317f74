import threading

import numpy as np
import pytest

from fs_sclimbic.cases.stats_files import format_qa_stats, format_stats
from fs_sclimbic.errors import TableError
from fs_sclimbic.group.tables.measures import ETIV, MEASURES, ReadOptions
from fs_sclimbic.group.tables.stats_paths import StatsFile
from fs_sclimbic.group.tables.stats_values import KINDS, parse_values, read_many
from fs_sclimbic.image.intensity import IntensityRange
from fs_sclimbic.image.labels import Structure
from fs_sclimbic.segmentation.case_flags import flag_messages
from fs_sclimbic.segmentation.flag import Flag
from fs_sclimbic.segmentation.flag_limits import LIMITS
from fs_sclimbic.segmentation.intensity_check import intensity_warnings, profile_intensities
from fs_sclimbic.segmentation.measure import SegStats, StructureStats
from fs_sclimbic.segmentation.population import Norm

VOLUME = MEASURES["volume"]
ROWS = tuple(
    StructureStats(Structure(segid, name, (0, 0, 0, 0)), count, volume, confidence, 0)
    for segid, name, count, volume, confidence in ((26, "A", 412, 329.3356, 0.81), (58, "B", 0, 0.0, 0.0))
)
TEXT = format_stats(SegStats(ROWS, 1.0, 1640017.851257), ["subjectname bert"])
QA_TEXT = format_qa_stats(SegStats(ROWS, 1.0, 1640017.851257), {"A": Norm(300, 100)})


def parse(text, measure="volume", **options):
    return parse_values(text, "x.stats", MEASURES[measure], ReadOptions(**options))


@pytest.mark.parametrize("text", [TEXT, QA_TEXT])
def test_our_own_files(text):
    assert parse(text).columns == ((26, "A"), (58, "B"), ETIV)
    assert parse(text).values == (329.3356, 0.0, 1640017.851257)
    assert parse(text, with_etiv=False).columns == ((26, "A"), (58, "B"))
    for name in ("nvoxels", "nvertices"):
        assert parse(text, name).values == (412.0, 0.0)
        assert parse(text, name).columns == ((26, "A"), (58, "B"))


def test_quality_columns_go_by_name():
    assert parse(QA_TEXT, "confidence").values == (0.81, 0.0)
    known, unknown = parse(QA_TEXT, "z").values
    assert known == 0.2934
    assert unknown != unknown
    swapped = QA_TEXT.replace("Confidence ZScore", "ZScore Confidence").replace("-      0", "0.5    0")
    assert parse(swapped, "confidence").values == (0.2934, 0.5)
    for name in ("confidence", "z"):
        with pytest.raises(TableError, match=r"x\.stats:\d+: .* stands in the \.qa\.stats"):
            parse(TEXT, name)


def test_blank_lines_and_crlf_are_fine():
    for text in (TEXT + "\n\n", TEXT.replace("\n", "\r\n"), TEXT.replace("\n", "\n\n"), TEXT.replace("# ", "#  ", 1)):
        assert parse(text) == parse(TEXT)


def test_files_without_a_line_of_columns():
    text = "".join(line for line in TEXT.splitlines(keepends=True) if "ColHeaders" not in line)
    assert parse(text) == parse(TEXT)
    with pytest.raises(TableError, match="expected at least 6 fields"):
        parse(text, "confidence")


def test_other_measures_are_named():
    text = TEXT.replace("# NRows", "# Measure BrainSeg, BrainSegVol, Brain, 1239150, mm^3\n# NRows")
    assert parse(text).other_measures == ("BrainSeg",)
    assert parse(text).values == parse(TEXT).values


@pytest.mark.parametrize("value", ["nan", "inf", "abc", "-1", "1,5", "1_0", "1e999", "-"])
@pytest.mark.parametrize(("measure", "old"), [("volume", "329.3356"), ("nvoxels", " 412 ")])
def test_values_that_are_none(value, measure, old):
    line = next(i for i, line in enumerate(TEXT.splitlines(), 1) if "329.3356" in line)
    with pytest.raises(
        TableError, match=rf"x\.stats:{line}: expected a finite number from 0 as .* of A, found '{value}'"
    ):
        parse(TEXT.replace(old, f" {value} "), measure)


def test_confidence_beyond_one():
    with pytest.raises(TableError, match=r"from 0 to 1 as Confidence of A, found '1\.8100'"):
        parse(QA_TEXT.replace("0.8100", "1.8100"), "confidence")


@pytest.mark.parametrize("value", ["0", "-1.0", "nan", "", "1e999"])
def test_impossible_etiv(value):
    with pytest.raises(TableError, match=r"x\.stats:\d+: expected '# Measure EstimatedTotal.* above 0"):
        parse(TEXT.replace("1640017.851257", value))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("58", "26", r"x\.stats:\d+: SegId 26 stands in line \d+ too"),
        (" B", " A", r"x\.stats:\d+: structure 'A' stands in line \d+ too"),
        ("58", "5x", r"x\.stats:\d+: expected a SegId such as 26, found '5x'"),
        ("0.0000    B", "B", r"x\.stats:\d+: expected 5 fields .* found 4"),
        (" B", " B b", r"x\.stats:\d+: expected 5 fields .* found 6"),
        ("# NRows 2", "# NRows 3", r"x\.stats: holds 2 rows, its line NRows says 3: the file is cut off"),
        ("# NRows 2", "# NRows 1", r"x\.stats: holds 2 rows, its line NRows says 1"),
        (" B", " B#b", r"x\.stats:\d+: a row with a '#' in it"),
        (
            "# NRows",
            "# Measure EstimatedTotalIntraCranialVol, eTIV, x, 5, mm^3\n# NRows",
            r"x\.stats:\d+: a second eTIV",
        ),
        ("NVoxels Volume_mm3 StructName", "StructName Volume_mm3 NVoxels", r"x\.stats:\d+: expected the columns"),
        ("Volume_mm3", "Area_mm2", r"x\.stats:\d+: expected the columns .* found 'Index SegId NVoxels Area_mm2"),
    ],
)
def test_files_that_are_not_as_they_should_be(old, new, message):
    assert old in TEXT
    with pytest.raises(TableError, match=message):
        parse(TEXT.replace(old, new))


def test_a_file_without_rows():
    text = TEXT[: TEXT.index("1    ")].replace("# NRows 2\n", "")
    with pytest.raises(TableError, match="holds no row of a structure"):
        parse(text)
    assert parse(text, lenient=True).columns == (ETIV,)


def test_lenient_tells_what_it_left_out():
    values = parse(TEXT.replace(" B", " B#b"), lenient=True)
    assert values.columns == ((26, "A"), ETIV)
    row, count = values.left_out
    assert "B#b" in row
    assert "holds 1 rows, its line NRows says 2" in count


def test_new_names_of_the_thalamus():
    text = TEXT.replace(" A", " Left-Thalamus-Proper").replace(" B", " Right-Thalamus-Proper")
    assert [name for _, name in parse(text, new_names=True).columns[:2]] == ["Left-Thalamus", "Right-Thalamus"]
    assert [name for _, name in parse(text).columns[:2]] == ["Left-Thalamus-Proper", "Right-Thalamus-Proper"]


def files_of(folder, texts):
    files = []
    for number, text in enumerate(texts):
        path = folder / f"{number}.stats"
        if text is not None:
            path.write_text(text)
        files.append(StatsFile(str(number), path))
    return files


def test_many_files_stay_in_order(tmp_path):
    files = files_of(tmp_path, [TEXT.replace("329.3356", f"{number}.5") for number in range(200)])
    before = threading.active_count()
    values, missing = read_many(files, VOLUME)
    assert [row.values[0] for row in values] == [number + 0.5 for number in range(200)]
    assert not missing
    assert len({id(row.columns) for row in values}) == 1
    assert threading.active_count() == before


def test_missing_files_are_told_apart_from_broken_ones(tmp_path):
    files = files_of(tmp_path, [TEXT, None, "# x\n", TEXT])
    values, missing = read_many(files, VOLUME)
    assert [row is None for row in values] == [False, True, True, False]
    assert missing == [
        f"{tmp_path}/1.stats: stats file does not exist",
        f"{tmp_path}/2.stats: stats file is too small (4 bytes) to hold anything",
    ]


def test_all_broken_files_are_named(tmp_path):
    (tmp_path / "folder.stats").mkdir()
    files = files_of(tmp_path, [TEXT.replace("329.3356", "nan"), None, TEXT, TEXT.replace("58", "26")])
    with pytest.raises(TableError) as error:
        read_many([*files, StatsFile("f", tmp_path / "folder.stats")], VOLUME)
    lines = str(error.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        str(tmp_path / name) for name in ("0.stats", "3.stats", "folder.stats")
    ]


def test_warnings_of_the_segmentation_are_kept_by_kind():
    lines = ["Warning SMALL (under half): A", "Warning ETIV (doubtful): x", "Warning SMALL (again): B", "Warning odd"]
    text = format_stats(SegStats(ROWS, 1.0, 1640017.851257), [*lines, "Warning", "Warnings of nothing"])
    assert parse(text).concerns == ("SMALL", "ETIV", "other")
    assert parse(text).values == parse(TEXT).values
    assert parse(TEXT).concerns == ()


@pytest.mark.parametrize("odd", ["hot", "cold", "amid", "saturated"])
def test_warnings_of_intensities_say_what_they_are_about(odd):
    voxels = np.linspace(0, 100, 40 * 40 * 40, dtype=np.float32).reshape(40, 40, 40)
    if odd == "hot":
        voxels[0, 0, 0] = 250
    elif odd == "cold":
        voxels[0, 0, 0] = -50
    elif odd == "amid":
        voxels = np.where(voxels > 40, 0, voxels - 20)
    else:
        voxels = np.minimum(voxels, 90)
    intensities = IntensityRange(voxels.min(), voxels.max())
    warnings = intensity_warnings(profile_intensities(voxels), intensities, robust_top=False, robust_bottom=False)
    assert warnings
    text = format_stats(SegStats(ROWS, 1.0, 1640017.851257), [f"Warning {warning}" for warning in warnings])
    assert set(parse(text).concerns) == {"intensities"}


def test_every_flag_that_warnings_tell_of_is_known():
    flags = [Flag(kind=kind, severity="look", reason="why", structure="A") for kind in LIMITS]
    assert {message.split()[0] for message in flag_messages(flags)} <= KINDS


@pytest.mark.parametrize("word", ["\u00b2", "9" * 5000, "-1"])
def test_counts_and_segids_that_are_no_whole_numbers(word):
    text = "# NRows {}\n# ColHeaders Index SegId NVoxels Volume_mm3 StructName\n1 {} 5 5.5 A\n"
    assert parse_values(text.format(word, 26), "x", MEASURES["volume"]).values == (5.5,)
    with pytest.raises(TableError, match="x:3: expected a SegId such as 26"):
        parse_values(text.format(1, word), "x", MEASURES["volume"])


@pytest.mark.parametrize("table", ["case,A,B,C,D,eTIV\ns1,1,2,3,4,5\n", "Measure:volume A B\ns1 1 2\n"])
def test_a_table_in_place_of_stats(table):
    """As in github.com/Deep-MI/fsqc/issues/44, where asegstats2table ends with an IndexError."""
    with pytest.raises(TableError, match=r"x:1: .*; this is a table over subjects already"):
        parse_values(table, "x", MEASURES["volume"])


def test_a_link_without_its_content_counts_as_missing(tmp_path):
    (tmp_path / "a.stats").symlink_to(".git/annex/objects/xx/yy/MD5E-s5--0.stats/MD5E-s5--0.stats")
    values, missing = read_many([StatsFile("a", tmp_path / "a.stats")], MEASURES["volume"])
    assert values == [None]
    assert "git-annex link whose content is not here" in missing[0]

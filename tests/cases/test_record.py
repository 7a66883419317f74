from hashlib import sha256

from fs_sclimbic.cases.record import Record, changed_files, format_record, is_done, read_record, stale_files
from fs_sclimbic.image.labels import Structure
from fs_sclimbic.segmentation.measure import SegStats, StructureStats

STATS = SegStats((StructureStats(Structure(26, "A", (1, 2, 3, 0)), 5, 5.123456789, 0.87654321, 1),), 0.512, 1e6)
SETTINGS = {"input_sha256": "abc", "percentile": None, "exclude": (853,), "colors": [[0, "Unknown", [0, 0, 0, 0]]]}
RECORD = Record(SETTINGS, STATS, ("look",), {"a.mgz": sha256(b"labels").hexdigest()}, ("subjectname bert",))


def test_round_trip_to_the_last_digit(tmp_path):
    (tmp_path / "r.json").write_text(format_record(RECORD))
    back = read_record(tmp_path / "r.json")
    assert back.stats == STATS
    assert (back.warnings, back.files, back.provenance) == (
        ("look",),
        {"a.mgz": sha256(b"labels").hexdigest()},
        ("subjectname bert",),
    )


def test_done_means_same_settings_and_all_files(tmp_path):
    (tmp_path / "r.json").write_text(format_record(RECORD))
    record = read_record(tmp_path / "r.json")
    assert not is_done(record, SETTINGS, [tmp_path / "a.mgz"])
    (tmp_path / "a.mgz").touch()
    assert not is_done(record, SETTINGS, [tmp_path / "a.mgz"]), "an empty file is none"
    (tmp_path / "a.mgz").write_bytes(b"labels")
    (tmp_path / "b.mgz").write_bytes(b"labels")
    assert is_done(record, SETTINGS, [tmp_path / "a.mgz"])
    assert not is_done(record, {**SETTINGS, "percentile": 99.9}, [tmp_path / "a.mgz"])
    assert not is_done(record, SETTINGS, [tmp_path / "a.mgz", tmp_path / "b.mgz"]), (
        "b was not written with these settings"
    )


def test_what_is_no_record_means_run_again(tmp_path):
    path = tmp_path / "r.json"
    assert read_record(path) is None
    for text in (
        "",
        "{",
        "[]",
        "{}",
        format_record(RECORD).replace('"format": 1', '"format": 0'),
        format_record(RECORD)[:200],
    ):
        path.write_text(text)
        assert read_record(path) is None


def test_changed_and_stale_files(tmp_path):
    labels = tmp_path / "a.mgz"
    labels.write_bytes(b"labels")
    assert changed_files(RECORD, [labels]) == []
    labels.write_bytes(b"edited")
    assert changed_files(RECORD, [labels]) == [labels]
    assert stale_files(RECORD, {"percentile": 50}, [labels, tmp_path / "b.mgz"]) == [labels]
    (tmp_path / "r.json").write_text(format_record(RECORD))
    assert stale_files(read_record(tmp_path / "r.json"), SETTINGS, [labels]) == []
    assert stale_files(None, SETTINGS, [labels]) == []

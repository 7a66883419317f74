import json
import time
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_sclimbic.cases.record import (
    Record,
    changed_files,
    changed_settings,
    format_record,
    is_done,
    read_record,
    recorded_flags,
    stale_files,
)
from fs_sclimbic.image.labels import Structure
from fs_sclimbic.segmentation.flag import Flag
from fs_sclimbic.segmentation.measure import SegStats, StructureStats
from fs_sclimbic.segmentation.population import Norm
from tests.mutations import mutations

STATS = SegStats((StructureStats(Structure(26, "A", (1, 2, 3, 0)), 5, 5.123456789, 0.87654321, 1),), 0.512, 1e6)

COLORS = [[0, "Unknown", [0, 0, 0, 0]], [26, "A", [1, 2, 3, 0]], [853, "B", [0, 0, 0, 0]]]
SETTINGS = {"input_sha256": "abc", "percentile": None, "exclude": (853,), "colors": COLORS}
RECORD = Record(SETTINGS, STATS, ("look",), {"a.mgz": sha256(b"labels").hexdigest()}, ("subjectname bert",))


RECORD_AS_READ = replace(RECORD, settings=json.loads(json.dumps(SETTINGS)))


def test_round_trip_to_the_last_digit(tmp_path):
    (tmp_path / "r.json").write_text(format_record(RECORD))
    back = read_record(tmp_path / "r.json")
    assert back.stats == STATS
    assert (back.warnings, back.files, back.provenance) == (
        ("look",),
        {"a.mgz": sha256(b"labels").hexdigest()},
        ("subjectname bert",),
    )


FLAGS = (
    Flag(kind="ASYMMETRY", severity="bad", reason="a is 1 mm^3 against 5", structure="A", value=5.0, threshold=2.0),
    Flag(kind="NOISE", severity="look", reason="noise"),
)


def test_flags_come_back(tmp_path):
    (tmp_path / "r.json").write_text(format_record(replace(RECORD, flags=FLAGS)))
    assert read_record(tmp_path / "r.json").flags == FLAGS
    (tmp_path / "r.json").write_text(format_record(replace(RECORD, flags=())))
    assert read_record(tmp_path / "r.json").flags == ()


def test_a_record_of_an_earlier_version_gets_the_flags_of_its_numbers(tmp_path):
    (tmp_path / "r.json").write_text(format_record(RECORD))
    record = read_record(tmp_path / "r.json")
    assert record.flags is None
    assert [flag.kind for flag in recorded_flags(record, {"A": Norm(300, 50, 200)})] == ["EMPTY"]
    assert recorded_flags(replace(record, flags=FLAGS), {}) == FLAGS


@pytest.mark.parametrize(
    "part", [{"severity": "fine"}, {"kind": 3}, {"value": "x"}, {"structure": 5}, {"reason": None}]
)
def test_flags_that_were_edited_make_it_none(tmp_path, part):
    content = json.loads(format_record(replace(RECORD, flags=FLAGS)))
    content.pop("sha256")
    (tmp_path / "r.json").write_text(json.dumps(content))
    assert read_record(tmp_path / "r.json").flags == FLAGS
    content["flags"][0].update(part)
    (tmp_path / "r.json").write_text(json.dumps(content))
    assert read_record(tmp_path / "r.json") is None


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


def edited(change):
    content = json.loads(format_record(RECORD))
    change(content)
    return json.dumps(content)


def first_row(**values):
    return lambda content: content["structures"][0].update(values)


@pytest.mark.parametrize(
    "change",
    [
        first_row(Volume_mm3=5.0),
        lambda content: content.update(eTIV_mm3=1.5e6),
        lambda content: content["settings"].update(percentile=99),
        lambda content: content["files"].update({"a.mgz": "other"}),
    ],
    ids=["volume", "eTIV", "settings", "files"],
)
def test_an_edited_record_is_none(tmp_path, change):
    """Its numbers would go into the tables of a case that is skipped."""
    (tmp_path / "r.json").write_text(edited(change))
    assert read_record(tmp_path / "r.json") is None


def test_a_record_of_an_earlier_version_has_no_checksum(tmp_path):
    (tmp_path / "r.json").write_text(edited(lambda content: content.pop("sha256")))
    assert read_record(tmp_path / "r.json") == RECORD_AS_READ


def without_checksum(change):
    def both(content):
        content.pop("sha256")
        change(content)

    return edited(both)


POISON = {
    "a text for a number": first_row(Volume_mm3="5"),
    "no number": first_row(Volume_mm3=None),
    "infinite": first_row(Volume_mm3=float("inf")),
    "not a number": first_row(Confidence=float("nan")),
    "negative": first_row(Volume_mm3=-1),
    "true": first_row(NVoxels=True),
    "half a voxel": first_row(NVoxels=0.5),
    "too large for a float": first_row(Volume_mm3=10**400),
    "no name": first_row(StructName=5),
    "three colours": first_row(rgba=[1, 2, 3]),
    "no rows": lambda content: content.update(structures=7),
    "rows of numbers": lambda content: content.update(structures=[1]),
    "files as a list": lambda content: content.update(files=["a"]),
    "warnings of numbers": lambda content: content.update(warnings=[1]),
    "eTIV as a text": lambda content: content.update(eTIV_mm3="1"),
    "settings as a list": lambda content: content.update(settings=[]),
}


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON)
def test_a_bad_record_is_none(tmp_path, poison):
    (tmp_path / "r.json").write_text(without_checksum(poison))
    assert read_record(tmp_path / "r.json") is None


NO_JSON = {
    "lists": b"[" * 100_000,
    "objects": b'{"a":' * 100_000,
    "digits": b"1" * 100_000,
    "no utf-8": b"\xff\xfe",
    "null": b"null",
    "text": b'"text"',
    "large": b" " * 11_000_000,
}


@pytest.mark.parametrize("content", NO_JSON.values(), ids=NO_JSON)
def test_a_file_that_is_no_record_is_none_at_once(tmp_path, content):
    (tmp_path / "r.json").write_bytes(content)
    start = time.monotonic()
    assert read_record(tmp_path / "r.json") is None
    assert time.monotonic() - start < 5


def test_mutated_records_raise_nothing(tmp_path):
    """Bytes changed, removed, repeated: what is read is whole, or nothing."""
    for text in mutations(format_record(RECORD).encode(), 400):
        (tmp_path / "r.json").write_bytes(text)
        assert read_record(tmp_path / "r.json") in (None, RECORD_AS_READ)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(json.loads(format_record(RECORD)))), JSON)
def test_any_value_under_any_key_raises_nothing(tmp_path_factory, key, value):
    path = tmp_path_factory.mktemp("r") / "r.json"
    path.write_text(without_checksum(lambda content: content.update({key: value})))
    record = read_record(path)
    assert record is None or format_record(record)


def test_a_record_of_other_structures_is_not_done(tmp_path):
    """Each table has one column a structure: a row less would shift the others."""
    (tmp_path / "a.mgz").write_bytes(b"labels")
    lacking = replace(RECORD, stats=SegStats((), 0.512, 1e6))
    assert not is_done(lacking, SETTINGS, [tmp_path / "a.mgz"])


def test_what_changed_is_told_in_words():
    other = {**SETTINGS, "weights_sha256": "b"}
    before = replace(
        RECORD, settings={**RECORD_AS_READ.settings, "weights_sha256": "a"}, provenance=("Weights a.h5 SHA-256 a (x)",)
    )
    assert changed_settings(before, other) == ["weights (a.h5)"]
    assert changed_settings(replace(before, provenance=("Weights ",)), other) == ["weights"]

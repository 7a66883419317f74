"""Finished cases that have not changed are not read again, and come back the same."""

import json
import math
import os
from dataclasses import asdict, replace

import pytest

from fs_sclimbic.image.volume import write_volume
from fs_sclimbic.qc.case_cache import read_case_cache
from fs_sclimbic.qc.read_case import CaseFiles, read_finished_case
from tests.heads import labelled_head


@pytest.fixture
def files(tmp_path):
    t1, truth = labelled_head(3)
    write_volume(t1, tmp_path / "t1.nii.gz")
    write_volume(truth, tmp_path / "seg.nii.gz")
    return CaseFiles(name="a", segmentation=tmp_path / "seg.nii.gz", t1=tmp_path / "t1.nii.gz")


def same(one, other):
    """Also where a number is nan."""
    return json.dumps(asdict(one), default=str) == json.dumps(asdict(other), default=str)


def test_what_comes_back_is_what_was_read(files, tmp_path):
    path = tmp_path / "pages/cases.json"
    cache = read_case_cache(path)
    read = cache.read(files)
    cache.write(path)
    assert same(read, read_finished_case(files))
    assert read.verdict.flags
    assert math.isnan(read.stats.structures[0].confidence)
    # A trace in the file shows that the second reading takes it from there.
    path.write_text(path.read_text().replace('"provenance": {}', '"provenance": {"from": "the cache"}'))
    again = read_case_cache(path).read(files)
    assert again.provenance == {"from": "the cache"}
    assert same(replace(again, provenance=read.provenance), read)


def test_a_changed_file_is_read_again(files, tmp_path):
    path = tmp_path / "cases.json"
    cache = read_case_cache(path)
    cache.read(files)
    cache.write(path)
    write_volume(labelled_head(3)[1], files.segmentation)
    os.utime(files.segmentation, ns=(1, 1))
    cache = read_case_cache(path)
    assert cache.read(files).provenance == {}
    cache.write(path)
    assert len(json.loads(path.read_text())) == 1  # what is no longer needed goes


@pytest.mark.parametrize("content", ["", "no json", "[]", '{"a": 1}'])
def test_a_damaged_cache_costs_only_time(files, tmp_path, content):
    path = tmp_path / "cases.json"
    path.write_text(content)
    cache = read_case_cache(path)
    assert same(cache.read(files), read_finished_case(files))
    cache.write(path)
    kept = json.loads(path.read_text())
    (key,) = kept
    path.write_text(json.dumps({key: {"name": "a"}}))
    assert same(read_case_cache(path).read(files), read_finished_case(files))
    cache.write(path / "no folder")


def test_a_case_with_a_problem_is_read_again(files, tmp_path):
    files.segmentation.unlink()
    cache = read_case_cache(tmp_path / "cases.json")
    assert cache.read(files).problem
    cache.write(tmp_path / "cases.json")
    assert not (tmp_path / "cases.json").exists()

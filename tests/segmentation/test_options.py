from dataclasses import replace

import pytest

from fs_sclimbic.errors import UsageError
from fs_sclimbic.network.spec import FOV_MULTIPLE, MOST_STARTS
from fs_sclimbic.network.store import PUBLISHED_SHA256, SHIPPED_SHA256
from fs_sclimbic.segmentation.options import Options
from fs_sclimbic.segmentation.population import Norm, default_population, read_population


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"percentile": 200}, "percentile 200"),
        ({"percentile": 0}, "percentile 0"),
        ({"low_percentile": 100}, "low percentile 100"),
        ({"low_percentile": -1}, "low percentile -1"),
        ({"size_tolerance_voxels": 0.5}, "size tolerance"),
        ({"average_shifts": 0}, "0 shifts"),
        ({"average_shifts": MOST_STARTS + 1}, "from 1 to"),
        ({"average_shifts": 2, "full_fov": True}, "whole field of view"),
    ],
)
def test_options_that_make_no_sense(options, words):
    with pytest.raises(UsageError, match=words):
        Options(**options)


def test_the_study_preset_sets_what_it_says_and_nothing_else():
    study = Options.study(conform=True, voxel_counts=True)
    assert (study.preset, Options().preset, Options(average_shifts=4).preset) == ("study", "published", None)
    undone = replace(study, percentile=None, low_percentile=None, average_shifts=1, size_tolerance_voxels=0.0)
    assert undone == Options(conform=True, voxel_counts=True)
    assert None not in (study.percentile, study.low_percentile)
    assert study.average_shifts > 1
    assert study.size_tolerance_voxels > 0


def test_the_study_preset_is_not_changed_by_halves():
    with pytest.raises(UsageError, match="sets percentile itself"):
        Options.study(percentile=95)


@pytest.mark.parametrize("number", range(1, MOST_STARTS + 1))
def test_starts_are_different_and_begin_with_the_published_one(number):
    starts = Options(average_shifts=number).starts
    assert starts[0] == (0, 0, 0)
    assert len({tuple(n % FOV_MULTIPLE for n in start) for start in starts}) == number


def test_the_population_is_the_shipped_one():
    assert Options().population == read_population()
    assert Options() == Options()


def test_norms_follow_the_weights_unless_they_are_given():
    own = Options().with_norms_of(SHIPPED_SHA256)
    assert dict(own.population) == dict(default_population(SHIPPED_SHA256))
    assert dict(Options().with_norms_of(PUBLISHED_SHA256).population) == read_population()
    given = Options(population={"A": Norm(1, 2)})
    assert given.with_norms_of(SHIPPED_SHA256) is given
    assert own.with_norms_of(PUBLISHED_SHA256) is own

from dataclasses import fields

from fs_sclimbic.segmentation.options import Options
from fs_sclimbic.segmentation.preset import PRESETS, PUBLISHED_PRESET, STUDY_PRESET, Preset


def test_the_published_preset_changes_nothing():
    assert PRESETS[PUBLISHED_PRESET] == Preset()
    for field in fields(Preset):
        assert getattr(Options(), field.name) == getattr(PRESETS[PUBLISHED_PRESET], field.name)


def test_the_study_preset_is_robust_at_both_ends_and_averages():
    study = PRESETS[STUDY_PRESET]
    assert 0 < study.low_percentile < 50 < study.percentile < 100
    assert study.average_shifts > 1
    assert 0 < study.size_tolerance_voxels < 0.5

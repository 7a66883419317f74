"""The presets, as values."""

from dataclasses import asdict

from fs_sclimbic.segmentation.options import Options
from fs_sclimbic.segmentation.preset import PRESETS, PUBLISHED_PRESET, STUDY_PRESET


def test_the_published_preset_is_the_default():
    assert Options(**asdict(PRESETS[PUBLISHED_PRESET])) == Options()


def test_the_study_preset_differs_in_every_setting():
    published, study = asdict(PRESETS[PUBLISHED_PRESET]), asdict(PRESETS[STUDY_PRESET])
    assert all(published[name] != study[name] for name in published)

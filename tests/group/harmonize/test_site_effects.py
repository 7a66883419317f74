import numpy as np
import pytest

from fs_sclimbic.group.harmonize.harmonize_table import HarmonizeInputs, harmonize
from fs_sclimbic.group.harmonize.site_effects import (
    COLUMNS,
    adjusted_values,
    draw_site_effects,
    format_site_effects,
)
from fs_sclimbic.group.harmonize.site_subjects import SiteRequest
from tests.group.harmonize.sites import STRUCTURES


@pytest.fixture
def harmonized(study):
    request = SiteRequest(participants=str(study / "p.tsv"), site_column="site", keep=("sex", "age"))
    return harmonize(HarmonizeInputs(table=str(study / "t.dat"), request=request))


def test_table_of_sites(harmonized):
    lines = [line.split("\t") for line in format_site_effects(harmonized).splitlines()]
    assert lines[0] == list(COLUMNS)
    assert [line[:3] for line in lines[1:4]] == [["Left-Fornix", "A", "6"], ["Left-Fornix", "B", "9"],
                                                ["Left-Fornix", "C", "7"]]  # fmt: skip
    numbers = np.array([line[3:] for line in lines[1:]], float)
    spread = [np.ptp(numbers.reshape(5, 3, 6)[:, :, column], axis=1) for column in (0, 1)]
    assert (spread[1] < spread[0]).all()


def test_adjusted_values_lack_the_kept_effects(harmonized):
    values, kept = adjusted_values(harmonized), harmonized.kept - harmonized.kept.mean(axis=0)
    design = np.column_stack([np.eye(3)[harmonized.site_of], kept])
    assert np.abs(np.linalg.lstsq(design, values.before, rcond=None)[0][3:]).max() < 1e-8
    raw = harmonized.before.values[:, :5]
    np.testing.assert_allclose(values.after - values.before, harmonized.table.values[:, :5] - raw, atol=1e-9)


def test_figure(harmonized):
    pytest.importorskip("matplotlib")
    figure = draw_site_effects(harmonized)
    assert [panel.get_title() for panel in figure.axes[:5]] == STRUCTURES
    assert "at the mean of sex, age" in figure.get_suptitle()

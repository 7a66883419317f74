import json

import numpy as np
import pytest

from fs_sclimbic.errors import TableError
from fs_sclimbic.group.harmonize.combat import Combat
from fs_sclimbic.group.harmonize.kept_columns import KeptLabels, KeptNumber
from fs_sclimbic.group.harmonize.model_file import SiteModel, format_model, read_model

RNG = np.random.default_rng(0)


KEPT = (KeptLabels("sex", ("F", "M")), KeptNumber("age", 20.5, 80))


def site_model(kept=KEPT, k=2):
    return SiteModel(
        combat=Combat(
            intercept=RNG.normal(size=3),
            slopes=RNG.normal(size=(k, 3)),
            pooled_sd=RNG.uniform(1, 2, 3),
            shift=RNG.normal(size=(2, 3)),
            scale=RNG.uniform(1, 2, (2, 3)),
        ),
        measure="Measure:volume",
        structures=("A", "B", "C"),
        site_column="site",
        sites=("x", "y"),
        site_sizes=(5, 7),
        kept=kept,
        made_with=("weights: w 1234",),
    )


@pytest.mark.parametrize("model", [site_model(), site_model(kept=(), k=0)], ids=["kept", "nothing kept"])
def test_round_trip(model, write):
    again = read_model(write(format_model(model), "m.json"))
    for name in ("measure", "structures", "site_column", "sites", "site_sizes", "kept", "made_with"):
        assert getattr(again, name) == getattr(model, name)
    for name in Combat.__dataclass_fields__:
        assert np.array_equal(getattr(again.combat, name), getattr(model.combat, name))
        assert getattr(again.combat, name).shape == getattr(model.combat, name).shape


def spoiled(**changes):
    return json.dumps({**json.loads(format_model(site_model())), **changes})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no json", "expected a model"),
        ("[1]", "expected a model"),
        (spoiled(format="other"), "found format 'other'"),
        (spoiled(structures=["A", "B"]), "has the shape"),
        (spoiled(slopes=[]), "'slopes' has the shape"),
        (spoiled(pooled_sd=[1, 0, 1]), "'pooled_sd' holds numbers that make no sense"),
        (spoiled(shift=[[1, 2, float("nan")], [1, 2, 3]]), "'shift' holds numbers"),
        (spoiled(scale="x"), "expected a model"),
    ],
)
def test_files_that_are_no_model(text, words, write):
    with pytest.raises(TableError, match=words):
        read_model(write(text, "m.json"))


def test_no_file(tmp_path):
    with pytest.raises(TableError, match="cannot be read"):
        read_model(tmp_path / "none.json")

import contextlib
import io
from dataclasses import replace

import numpy as np
import pytest

from fs_sclimbic.errors import DesignError
from fs_sclimbic.group.harmonize.combat import apply_combat, fit_combat
from tests.group.harmonize.sites import EXPECTED, KEPT, SITE_OF, VOLUMES

NEUROCOMBAT_ERROR_SD = 5e-5
"""neuroCombat ends its iteration at relative changes of 1e-4."""


def harmonized(values=VOLUMES, site_of=SITE_OF, kept=KEPT):
    return apply_combat(fit_combat(values, site_of, kept), values, site_of, kept)


def test_values_of_neurocombat():
    assert np.abs((harmonized() - EXPECTED) / VOLUMES.std(axis=0)).max() < NEUROCOMBAT_ERROR_SD
    assert np.abs((VOLUMES - EXPECTED) / VOLUMES.std(axis=0)).max() > 0.5  # that is no empty comparison


def test_installed_neurocombat():
    library = pytest.importorskip("neuroCombat", reason="neuroCombat is not installed (it wants NumPy 1)")
    pandas = pytest.importorskip("pandas")
    people = pandas.DataFrame({"site": SITE_OF, "sex": KEPT[:, 0], "age": KEPT[:, 1]})
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = library.neuroCombat(
            dat=VOLUMES.T, covars=people, batch_col="site", categorical_cols=["sex"], continuous_cols=["age"]
        )
    assert np.abs((harmonized() - theirs["data"].T) / VOLUMES.std(axis=0)).max() < NEUROCOMBAT_ERROR_SD


def test_estimates_are_a_fixed_point_of_johnsons_equations():
    model = fit_combat(VOLUMES, SITE_OF, KEPT)
    z = (VOLUMES - model.intercept - KEPT @ model.slopes) / model.pooled_sd
    for site in range(3):
        part = z[site == SITE_OF]
        n, own, spread = len(part), part.mean(0), part.var(0, ddof=1)
        tau2, mean, var = own.var(ddof=1), spread.mean(), spread.var(ddof=1)
        shape, rate = mean**2 / var + 2, mean**3 / var + mean
        gamma, delta = model.shift[site], model.scale[site]
        np.testing.assert_allclose(gamma, (n * tau2 * own + delta * own.mean()) / (n * tau2 + delta), rtol=1e-8)
        expected = (rate + ((part - gamma) ** 2).sum(0) / 2) / (n / 2 + shape - 1)
        np.testing.assert_allclose(delta, expected, rtol=1e-8)


def test_large_sites_lose_their_differences_and_effects_stay():
    rng = np.random.default_rng(5)
    site_of = np.repeat([0, 1, 2], 400)
    kept = np.column_stack([rng.integers(0, 2, 1200), rng.uniform(20, 80, 1200)]).astype(float)
    shift, spread = rng.normal(0, 40, (3, 8)), rng.uniform(0.6, 1.6, (3, 8))
    noise = rng.normal(0, 50, (1200, 8))
    values = 500 + kept @ np.array([[30.0] * 8, [-1.0] * 8]) + shift[site_of] + spread[site_of] * noise
    after = harmonized(values, site_of, kept)
    design = np.column_stack([np.eye(3)[site_of], kept])
    beta = np.linalg.lstsq(design, after, rcond=None)[0]
    rest = after - design @ beta
    assert np.ptp(beta[:3], axis=0).max() < 1  # were up to about 100 mm^3
    assert np.abs(beta[3:] - np.linalg.lstsq(design, values, rcond=None)[0][3:]).max() < 4
    spreads = np.array([rest[site_of == site].std(axis=0) for site in range(3)])
    assert (spreads.max(0) / spreads.min(0)).max() < 1.05


def test_order_and_unit_do_not_matter():
    order = np.random.default_rng(2).permutation(len(VOLUMES))
    np.testing.assert_allclose(harmonized(VOLUMES[order], SITE_OF[order], KEPT[order]), harmonized()[order], rtol=1e-9)
    np.testing.assert_allclose(harmonized(VOLUMES / 1000), harmonized() / 1000, rtol=1e-9)
    np.testing.assert_allclose(harmonized(kept=KEPT * 365 + 1e6), harmonized(), rtol=1e-7)


def test_without_kept_columns():
    after = harmonized(kept=np.zeros((len(VOLUMES), 0)))
    means = [np.ptp([values[site == SITE_OF].mean(0) for site in range(3)], axis=0) for values in (VOLUMES, after)]
    assert (means[1] < means[0]).all()


@pytest.mark.parametrize(
    ("values", "kept", "words"),
    [
        (VOLUMES[:, :2], KEPT, "expected 3 structures or more, found 2"),
        (VOLUMES, np.column_stack([KEPT, SITE_OF == 1]), "kept columns follow from the sites"),
        (np.column_stack([VOLUMES, SITE_OF * 10.0]), KEPT, "does not vary within the sites"),
    ],
)
def test_what_cannot_be_learned(values, kept, words):
    with pytest.raises(DesignError, match=words):
        fit_combat(values, SITE_OF, kept)


def test_new_subjects_get_what_was_learned():
    model = fit_combat(VOLUMES, SITE_OF, KEPT)
    new = apply_combat(model, VOLUMES[:4], SITE_OF[:4], KEPT[:4])
    np.testing.assert_allclose(new, harmonized()[:4], rtol=1e-12)
    plain = replace(model, shift=np.zeros_like(model.shift), scale=np.ones_like(model.scale))
    np.testing.assert_allclose(apply_combat(plain, VOLUMES, SITE_OF, KEPT), VOLUMES, rtol=1e-12)

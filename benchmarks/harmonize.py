"""False positives after a harmonisation, with groups balanced and unbalanced over sites; and what it gains.

    python benchmarks/harmonize.py --studies 2000

Made-up studies of 13 correlated structures (correlation 0.4) and no effect of the group. Sites differ in mean (0.5
standard deviations) and spread (0.7 to 1.4 times). Each study is tested for the group at 0.05, structure by structure:
of the values as they are, of harmonised ones (group kept), of harmonised ones (nothing kept), with site as a covariate
of the values as they are, and with site as a covariate of harmonised values. Then the same with a true effect of half
a standard deviation, for the power.
"""

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fs_sclimbic.group.fit.glm import contrast_result, fit_glm
from fs_sclimbic.group.harmonize.combat import apply_combat, fit_combat

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
STRUCTURES, CORRELATION, SITE_SD, LEVEL, EFFECT_SD = 13, 0.4, 0.5, 0.05, 0.5
SCENES: dict[str, tuple[int, int, tuple[float, ...]]] = {
    "4 sites of 40, balanced": (4, 40, (0.5, 0.5, 0.5, 0.5)),
    "4 sites of 40, 65 to 35 %": (4, 40, (0.35, 0.45, 0.55, 0.65)),
    "4 sites of 40, 75 to 25 %": (4, 40, (0.25, 0.25, 0.75, 0.75)),
    "4 sites of 40, 90 to 10 %": (4, 40, (0.1, 0.1, 0.9, 0.9)),
    "4 sites of 10, balanced": (4, 10, (0.5, 0.5, 0.5, 0.5)),
    "4 sites of 10, 90 to 10 %": (4, 10, (0.1, 0.1, 0.9, 0.9)),
    "20 sites of 5, 60 to 40 %": (20, 5, (0.4, 0.6) * 10),
    "20 sites of 5, 80 to 20 %": (20, 5, (0.2, 0.8) * 10),
}
"""Sites, subjects a site, and the share of patients at each."""


def draw_study(
    rng: np.random.Generator, sites: int, size: int, shares: tuple[float, ...]
) -> tuple[Array, Indices, Array]:
    """Values (n, m), site of each subject, and the group (n, 1)."""
    site_of = np.repeat(np.arange(sites), size)
    patients = np.concatenate([np.arange(size) < round(share * size) for share in shares])
    shared = rng.normal(size=(len(site_of), 1))
    noise = np.sqrt(CORRELATION) * shared + np.sqrt(1 - CORRELATION) * rng.normal(size=(len(site_of), STRUCTURES))
    shift = rng.normal(0, SITE_SD, (sites, STRUCTURES))
    spread = np.exp(rng.uniform(np.log(0.7), np.log(1.4), (sites, 1)))
    return shift[site_of] + spread[site_of] * noise, site_of, patients[:, None].astype(float)


def p_values(values: Array, group: Array, more: Array) -> Array:
    """Of the group, (m,)."""
    design = np.column_stack([1 - group, group, more - more.mean(axis=0)])
    contrast = np.zeros((1, design.shape[1]))
    contrast[0, :2] = -1, 1
    return contrast_result(fit_glm(design, values), contrast).p


def harmonized(values: Array, site_of: Indices, kept: Array) -> Array:
    """The values without the differences of sites."""
    return apply_combat(fit_combat(values, site_of, kept), values, site_of, kept)


def ways(values: Array, site_of: Indices, group: Array) -> dict[str, Callable[[], Array]]:
    """P values of the group, in five ways."""
    none = np.zeros((len(group), 0))
    sites = np.eye(int(site_of.max()) + 1)[site_of][:, 1:]
    return {
        "as they are": lambda: p_values(values, group, none),
        "harmonised": lambda: p_values(harmonized(values, site_of, group), group, none),
        "nothing kept": lambda: p_values(harmonized(values, site_of, none), group, none),
        "site in design": lambda: p_values(values, group, sites),
        "both": lambda: p_values(harmonized(values, site_of, group), group, sites),
    }


def main() -> None:
    """Print a table of false positives and one of power, in percent."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    for title, effect in (("false positives", 0.0), ("power", EFFECT_SD)):
        rng = np.random.default_rng(args.seed)
        for scene, (sites, size, shares) in SCENES.items():
            found: dict[str, list[float]] = {}
            for _ in range(args.studies):
                values, site_of, group = draw_study(rng, sites, size, shares)
                for name, compute in ways(values + effect * group, site_of, group).items():
                    found.setdefault(name, []).append(float(np.mean(compute() < LEVEL)))
            cells = ", ".join(
                f"{name} {100 * np.mean(rates):.1f} ± {196 * np.std(rates) / len(rates) ** 0.5:.1f}"
                for name, rates in found.items()
            )
            print(f"{title} (%), {scene}: {cells}", flush=True)


if __name__ == "__main__":
    main()

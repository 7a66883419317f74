"""Formulas, covariates and robust variances of a group analysis against statsmodels, on random studies.

    python benchmarks/group_formulas.py --studies 100

Each study has labels (group, sex, site) and numbers (age, iq), some of them crossed. The largest relative differences
of effects, standard errors and p values are printed; statsmodels reads the data by itself, by patsy.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf

from fs_sclimbic.group.analysis import analyse
from fs_sclimbic.group.analysis_options import FitOptions
from fs_sclimbic.group.study_plan import GlmInputs
from fs_sclimbic.group.text_table import GroupTable, format_group_table

FORMULAS = (
    "group + sex + age",
    "group + sex + C(site) + age + iq",
    "group*age + sex",
    "group*sex + age + C(site)",
    "age + iq",
    "sex + group",
)
CONTRASTS = {"d": "Patient-Control", "slope": "age", "s": "M-F"}


def people(rng: np.random.Generator) -> pd.DataFrame:
    """Participants, with a volume and eTIV."""
    n = int(rng.integers(40, 120))
    frame = pd.DataFrame({
        "participant_id": [f"sub-{i:03d}" for i in range(n)],
        "group": rng.permutation(np.array(["Control", "Patient", "Relative"])[np.arange(n) % 3]),
        "sex": rng.permutation(np.array(["F", "M"])[np.arange(n) % 2]),
        "site": rng.permutation(1 + np.arange(n) % 3),
        "age": rng.uniform(20, 80, n).round(1),
        "iq": rng.integers(80, 130, n),
        "eTIV": rng.normal(1.5e6, 1e5, n).round(1),
    })  # fmt: skip
    spread = np.where(frame.group == "Patient", 40, 15)
    frame["v"] = (400 - frame.age + 20 * (frame.group == "Patient") + rng.normal(0, spread)).round(4)
    return frame


def differences(frame: pd.DataFrame, formula: str, *, robust: bool, with_etiv: bool, folder: Path) -> dict[str, float]:
    """Relative differences of one analysis."""
    frame.drop(columns=["v", "eTIV"]).to_csv(folder / "p.tsv", sep="\t", index=False)
    table = GroupTable("Measure:volume", tuple(frame.participant_id), ("v", "eTIV"), frame[["v", "eTIV"]].to_numpy())
    (folder / "t.dat").write_text(format_group_table(table))
    right = formula + (" + eTIV" if with_etiv else "")
    model = smf.ols(f"v ~ {right}", frame)
    fitted = model.fit(cov_type="HC3", use_t=True) if robust else model.fit()
    questions = {
        "d": {"group[T.Patient]": 1.0} if "group" in formula else None,
        "s": {"sex[T.M]": 1.0} if "sex" in formula else None,
        "slope": {"age": 1.0} if "age" in formula and "*age" not in formula else None,
    }
    if "*sex" in formula:  # adjusted means: the other label weighted alike
        questions["d"] = {"group[T.Patient]": 1.0, "group[T.Patient]:sex[T.M]": 0.5}
        questions["s"] = {"sex[T.M]": 1.0, "group[T.Patient]:sex[T.M]": 1 / 3, "group[T.Relative]:sex[T.M]": 1 / 3}
    if "*age" in formula:
        questions["d"] = {"group[T.Patient]": 1.0, "group[T.Patient]:age": float(frame.age.mean())}
    asked = {name: weights for name, weights in questions.items() if weights}
    analysis = analyse(
        GlmInputs(
            table=str(folder / "t.dat"),
            formula=right,
            participants=str(folder / "p.tsv"),
            contrasts=tuple(f"{name} = {CONTRASTS[name]}" for name in asked),
        ),
        FitOptions(robust=robust, ill_conditioned_ok=True),
    )
    found: dict[str, float] = {}
    for result in analysis.results:
        row = np.zeros(len(fitted.params))
        for column, weight in asked[result.contrast.name].items():
            row[list(fitted.params.index).index(column)] = weight
        theirs = fitted.t_test(row)
        for name, ours, other in (
            ("effect", result.test.gamma[0, 0], theirs.effect[0]),
            ("standard error", result.test.standard_error[0, 0], theirs.sd[0, 0]),
            ("p", result.test.p[0], float(theirs.pvalue)),
        ):
            found[name] = max(found.get(name, 0.0), abs(float(ours) - float(other)) / abs(float(other)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", metavar="N", type=int, default=100)
    args = parser.parse_args()
    for robust in (False, True):
        largest: dict[str, float] = {}
        for number in range(args.studies):
            rng = np.random.default_rng(number)
            frame, formula, with_etiv = people(rng), FORMULAS[number % len(FORMULAS)], bool(rng.integers(2))
            with tempfile.TemporaryDirectory() as name:
                found = differences(frame, formula, robust=robust, with_etiv=with_etiv, folder=Path(name))
            largest = {key: max(value, largest.get(key, 0.0)) for key, value in found.items()}
        words = ", ".join(f"{key} {value:.1g}" for key, value in largest.items())
        print(f"{args.studies} formulas{', HC3' if robust else ''}: largest relative differences: {words}")


if __name__ == "__main__":
    main()

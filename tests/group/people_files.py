"""A table of participants with labels and numbers, as a file and as a data frame."""

import numpy as np
import pandas as pd


def people(n=60, seed=4):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({
        "participant_id": [f"sub-{i:02d}" for i in range(n)],
        "group": rng.permutation(np.array(["Control", "Patient", "Relative"])[np.arange(n) % 3]),
        "sex": rng.permutation(np.array(["F", "M"])[np.arange(n) % 2]),
        "site": rng.integers(1, 4, n),
        "age": rng.uniform(20, 80, n).round(1),
        "iq": rng.integers(80, 130, n),
    })  # fmt: skip


def write_people(path, frame):
    frame.to_csv(path, sep="\t", index=False, na_rep="n/a")
    return str(path)

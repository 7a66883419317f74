import numpy as np
import pytest

from fs_sclimbic.group.analysis import analyse, result_files, write_analysis
from fs_sclimbic.group.analysis_options import FitOptions
from fs_sclimbic.group.effects import effect_files
from fs_sclimbic.group.fit.equivalence import Bound
from fs_sclimbic.group.study_plan import GlmInputs
from tests.group.people_files import people, write_people


@pytest.fixture
def inputs(tmp_path):
    frame, rng = people(), np.random.default_rng(1)
    values = 500 + rng.normal(0, 30, (len(frame), 3)) - frame["age"].to_numpy()[:, None]
    lines = ["Measure:volume\tX\tY\tZ"]
    lines += [
        "\t".join([name, *map(str, row)]) for name, row in zip(frame["participant_id"], values.tolist(), strict=True)
    ]
    (tmp_path / "t.dat").write_text("\n".join(lines) + "\n")
    return {"table": str(tmp_path / "t.dat"), "participants": write_people(tmp_path / "p.tsv", frame)}


def test_a_formula(inputs, tmp_path):
    asked = GlmInputs(formula="group + sex + age", contrasts=("Patient-Control", "age"), **inputs)
    options = FitOptions(bootstrap=1000, bound=Bound(5, True))
    done = analyse(asked, options)
    made = effect_files(done.plan, done.fit, done.results, resamples=1000, bound=Bound(5, True))
    assert set(made.files) == {"Patient-Control/effects.tsv", "age/effects.tsv", "adjusted_means.tsv"}
    assert set(made.sections) == {"Patient-Control", "age", ""}
    rows = [line.split("\t") for line in made.files["adjusted_means.tsv"].decode().splitlines()[1:]]
    assert [row[1] for row in rows[:5]] == ["group[Control]", "group[Patient]", "group[Relative]", "sex[F]", "sex[M]"]
    # The difference of adjusted means is the contrast.
    means = {row[1]: float(row[3]) for row in rows if row[0] == "X"}
    gamma = done.results[0].test.gamma[0, 0]
    assert means["group[Patient]"] - means["group[Control]"] == pytest.approx(gamma, rel=1e-6)
    files = result_files(done, tmp_path / "out").files
    assert made.files.items() <= files.items()
    page = files["report.html"].decode()
    assert page.count("<h3>Effect sizes and sensitivity</h3>") == 2
    assert "<h2>Adjusted means</h2>" in page


def test_a_folder_with_effects_is_replaced(inputs, tmp_path):
    done = analyse(GlmInputs(formula="group", contrasts=("Patient-Control",), **inputs))
    for _ in range(2):
        write_analysis(done, tmp_path / "out")
    assert (tmp_path / "out/adjusted_means.tsv").exists()

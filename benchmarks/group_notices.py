"""False alarms of the checks of a group analysis, and false positives with and without what they advise.

    python benchmarks/group_notices.py --studies 200 --null 2000 --reference ../shared/reference/group

Well-behaved studies: 2 or 3 classes of 8 to 60 people, age and up to two more variables, 13 correlated structures of
log-normal volumes that shrink with age and grow with the head, group differences in some, names of several styles.
Each is written to files and analysed as a user would. A warning in one of them is a false alarm. Then made-up studies
without any effect: people with several sessions taken for independent rows, and classes of other sizes and variances.
"""

import argparse
import collections
import re
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fs_sclimbic.errors import SclimbicError
from fs_sclimbic.group.analysis import analyse
from fs_sclimbic.group.analysis_options import FitOptions
from fs_sclimbic.group.design.fsgd_review import ReviewOptions, review_fsgd
from fs_sclimbic.group.fit.glm import contrast_result, fit_glm
from fs_sclimbic.group.fit.robust import robust_result
from fs_sclimbic.group.fit.study import COVARIATE, RAW, SCALED, StudyOptions
from fs_sclimbic.group.study_plan import GlmInputs
from fs_sclimbic.group.text_table import GroupTable, format_group_table
from fs_sclimbic.segmentation.population import read_population

NAMES = (
    "sub-{:02d}",
    "sub-{:04d}",
    "P{:03d}",
    "{:05d}",
    "site1_s{:03d}",
    "sub-{:03d}_ses-1",
    "con_v{:d}",
    "S{:02d}_T1",
)
SESSION_NAMES = (
    "sub-{:02d}_ses-{}",
    "sub-{0:02d}_ses-{1}.long.sub-{0:02d}",
    "P{:03d}_v{}",
    "{:04d}_visit{}",
    "S{:d}-t{}",
)
WITHIN_CORRELATION = 0.9
"""Of two sessions of a person: volumes of small structures repeat so."""
ALPHA = 0.05


def write_study(folder: Path, rng: np.random.Generator) -> GlmInputs:
    """A well-behaved study in files."""
    population = read_population()
    sizes = rng.integers(8, 61, rng.integers(2, 4))
    of = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    n, k = len(of), len(population)
    style = NAMES[rng.integers(len(NAMES))]
    names = [style.format(number + 1) for number in rng.permutation(n)]
    low, high = sorted(rng.uniform(18, 85, 2))
    age = rng.uniform(low, max(high, low + 15), n).round(rng.integers(0, 2))
    etiv = rng.normal(1.5e6, 1.4e5, n)
    mean = np.array([norm.mean for norm in population.values()])
    common = rng.normal(size=(n, 1))
    noise = np.sqrt(0.4) * common + np.sqrt(0.6) * rng.normal(size=(n, k))
    log = np.log(mean) + 0.12 * noise - 0.003 * (age - 50)[:, None] + 0.6 * np.log(etiv / 1.5e6)[:, None]
    log += rng.choice([0, -0.1]) * (of == 1)[:, None]
    table = GroupTable(
        "Measure:volume", tuple(names), (*population, "eTIV"), np.column_stack([np.exp(log), etiv]).round(4)
    )
    order = rng.permutation(n)
    shuffled = GroupTable(table.measure, tuple(names[i] for i in order), table.columns, table.values[order])
    (folder / "t.dat").write_text(format_group_table(shuffled))
    more = {"education": rng.integers(8, 21, n), "moca": rng.integers(22, 31, n), "bmi": rng.normal(25, 4, n).round(1)}
    chosen = rng.permutation(list(more))[: rng.integers(0, 3)]
    classes = ["Control", "Patient", "Relative"][: len(sizes)]
    dods = bool(rng.integers(2)) and sizes.min() > 2 * (len(chosen) + 2)
    lines = ["GroupDescriptorFile 1", "DeMeanFlag 1", *(f"Class {name}" for name in classes)]
    lines.append(f"Variables {' '.join(['age', *chosen])}")
    for i, name in enumerate(names):
        lines.append(
            f"Input {name} {classes[of[i]]} {' '.join(f'{v:g}' for v in (age[i], *(more[c][i] for c in chosen)))}"
        )
    (folder / "g.fsgd").write_text("\n".join(lines) + "\n")
    slope = "slopes = Patient:age - Control:age" if dods else "age"
    return GlmInputs(
        table=str(folder / "t.dat"),
        fsgd=str(folder / "g.fsgd"),
        method="dods" if dods else "doss",
        contrasts=("group = Patient - Control", slope),
        options=StudyOptions(etiv=str(rng.choice([RAW, SCALED, COVARIATE]))),
    )


def warnings_of(inputs: GlmInputs) -> list[str]:
    """What is said about a study, or why it is refused."""
    try:
        analysis = analyse(inputs, FitOptions())
    except SclimbicError as error:
        return [f"REFUSED {error}"]
    return [notice.text for notice in (*analysis.plan.notices, *analysis.notices) if notice.severity == "warning"]


def count_false_alarms(studies: int, seed: int) -> None:
    """Print how many well-behaved studies get a warning, and which."""
    alarmed, texts = 0, []
    for number in range(studies):
        with tempfile.TemporaryDirectory() as folder:
            found = warnings_of(write_study(Path(folder), np.random.default_rng([seed, number])))
        alarmed += bool(found)
        texts += [(number, text) for text in found]
    print(f"well-behaved studies: {studies}, with a warning: {alarmed}")
    for number, text in texts:
        print(f"  study {number}: {text[:300]}")


def review_reference(folder: Path) -> None:
    """Print what is said about the cohort of the reference, and each of its designs and contrasts."""
    counts: collections.Counter[str] = collections.Counter()
    cases = []
    for method in ("dods", "doss"):
        for contrast in sorted((folder / "contrasts").glob(f"{method}-*.mtx")):
            cases.append((f"{contrast.name}", folder / "group.fsgd", method, contrast))
    for name, fsgd, method, contrast in cases:
        for etiv in (RAW, SCALED, COVARIATE):
            inputs = GlmInputs(
                table=str(folder / "sclimbic.dat"),
                fsgd=str(fsgd),
                method=method,
                contrast_files=((str(contrast), None),),
                options=StudyOptions(etiv=etiv),
            )
            for text in warnings_of(inputs) or ["nothing"]:
                counts[f"{name}: {text[:220]}"] += 1
    for path in sorted(folder.glob("fsgd_cases/*.fsgd")):  # of other subjects, without a table
        try:
            review = review_fsgd(path, ReviewOptions())
        except SclimbicError:  # refused before, with good reason
            continue
        for text in (*review.notices, *review.problems):
            counts[f"{path.name}: {text.replace(str(path), '')[:220]}"] += 1
    for text, count in counts.items():
        print(f"  {count} x {text}")


def repeated_rows(null: int, rng: np.random.Generator, sessions: int) -> tuple[float, float]:
    """Share of p < 0.05 of a group difference that is none: of rows taken for independent, and of means of people."""
    people, false = 40, np.zeros(2)
    of = np.repeat([0, 1], people // 2)
    for _ in range(null):
        person = rng.normal(size=people) * np.sqrt(WITHIN_CORRELATION)
        rows = person[:, None] + rng.normal(size=(people, sessions)) * np.sqrt(1 - WITHIN_CORRELATION)
        for way, (values, classes) in enumerate(((rows.ravel(), np.repeat(of, sessions)), (rows.mean(1), of))):
            fit = fit_glm(np.eye(2)[classes], values[:, None])
            false[way] += contrast_result(fit, np.array([[-1.0, 1]])).p[0] < ALPHA
    return false[0] / null, false[1] / null


def count_refused(studies: int, seed: int) -> int:
    """How many well-behaved studies are refused once their rows are named as sessions of half as many people."""
    refused = 0
    for number in range(studies):
        rng = np.random.default_rng([seed, number])
        with tempfile.TemporaryDirectory() as folder:
            inputs = write_study(Path(folder), rng)
            fsgd = Path(folder) / "g.fsgd"
            names = [line.split()[1] for line in fsgd.read_text().splitlines() if line.startswith("Input")]
            style = SESSION_NAMES[rng.integers(len(SESSION_NAMES))]
            new = {name: style.format(i // 2 + 1, i % 2 + 1) for i, name in enumerate(names)}
            for path in (fsgd, Path(folder) / "t.dat"):
                words = re.split(r"(\s+)", path.read_text())
                path.write_text("".join(new.get(word, word) for word in words))
            refused += any(text.startswith("REFUSED") and "person(s)" in text for text in warnings_of(inputs))
    return refused


def spoilt(table: list[list[str]], fsgd: list[list[str]], fault: str, rng: np.random.Generator) -> None:
    """Put a fault into the cells of a table and the words of an FSGD."""
    one, structure = int(rng.integers(1, len(table))), int(rng.integers(1, len(table[0]) - 1))
    inputs = [words for words in fsgd if words[0] == "Input"]
    who = inputs[int(rng.integers(len(inputs)))]
    if fault == "eTIV of one in cm^3":
        table[one][-1] = str(float(table[one][-1]) / 1000)
    elif fault == "volumes of one in cm^3":
        table[one][1:-1] = [str(float(cell) / 1000) for cell in table[one][1:-1]]
    elif fault == "a volume times 10":
        table[one][structure] = str(float(table[one][structure]) * 10)
    elif fault == "a volume a third":
        table[one][structure] = str(float(table[one][structure]) / 3)
    elif fault == "one image twice":
        table[one][1:] = table[one - 1 if one > 1 else one + 1][1:]
    elif fault.startswith("an age of"):
        who[3] = fault.split()[-1]
    elif fault == "ages of classes apart":
        for words in inputs:
            words[3] = f"{rng.uniform(25, 34) if words[2] == 'Control' else rng.uniform(76, 84):.1f}"
    elif fault == "a site as a number":
        next(words for words in fsgd if words[0] == "Variables").append("site")
        for words in inputs:
            words.append(str(rng.integers(1, 4)))


FAULTS = {
    "eTIV of one in cm^3": "in another unit",
    "volumes of one in cm^3": "write all rows in one unit",
    "a volume times 10": "a digit too many",
    "a volume a third": "far from the others of the class",
    "one image twice": "one image under several names",
    "an age of -9": "no age in years",
    "an age of 443": "no age in years",
    "an age of 999": "no age in years",
    "ages of classes apart": "share no value of age|has nobody",
    "a site as a number": "fitted as one straight line",
}
"""Faults, and the words by which each is told."""


def count_caught(studies: int, seed: int) -> None:
    """Print how many well-behaved studies with one fault are told of it, in its words."""
    for fault, words in FAULTS.items():
        caught = 0
        for number in range(studies):
            rng = np.random.default_rng([seed, number])
            with tempfile.TemporaryDirectory() as folder:
                inputs = write_study(Path(folder), rng)
                table, fsgd = Path(folder) / "t.dat", Path(folder) / "g.fsgd"
                cells = [line.split("\t") for line in table.read_text().splitlines()]
                lines = [line.split() for line in fsgd.read_text().splitlines()]
                spoilt(cells, lines, fault, rng)
                table.write_text("".join("\t".join(row) + "\n" for row in cells))
                fsgd.write_text("".join(" ".join(line) + "\n" for line in lines))
                caught += any(re.search(words, text) is not None for text in warnings_of(inputs))
        print(f"  {fault}: told in {caught} of {studies}")


def unequal_variances(
    null: int, rng: np.random.Generator, sizes: tuple[int, int], sds: tuple[float, float]
) -> NDArray[np.float64]:
    """Share of p < 0.05 of a group difference that is none: by least squares, and with HC3."""
    of = np.repeat([0, 1], sizes)
    values = rng.normal(size=(sum(sizes), null)) * np.array(sds)[of][:, None]
    age = rng.uniform(-30, 30, len(of))
    fit = fit_glm(np.column_stack([np.eye(2)[of], age]), values)
    matrix = np.array([[-1.0, 1, 0]])
    return np.array([np.mean(way(fit, matrix).p < ALPHA) for way in (contrast_result, robust_result)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", metavar="N", type=int, default=200)
    parser.add_argument("--null", metavar="N", type=int, default=2000)
    parser.add_argument("--reference", metavar="DIR", type=Path)
    parser.add_argument("--seed", metavar="S", type=int, default=1)
    args = parser.parse_args()
    count_false_alarms(args.studies, args.seed)
    print("the same studies with one fault")
    count_caught(args.studies, args.seed)
    if args.reference:
        print("the reference's cohort (contrasts are fitted with raw volumes, scaled by eTIV, adjusted for eTIV)")
        review_reference(args.reference)
    rng = np.random.default_rng(args.seed)
    print(f"false positives at {ALPHA:g}, no effect, {args.null} studies: rows taken for independent, means of people")
    for sessions in (1, 2, 3, 4):
        plain, mean = repeated_rows(args.null, rng, sessions)
        print(f"  20 + 20 people, {sessions} session(s): {100 * plain:.1f} %, {100 * mean:.1f} %")
    refused = count_refused(args.studies, args.seed)
    print(f"  refused by the names of such rows, two sessions a person: {refused} of {args.studies} studies")
    print("the same for classes that vary differently: least squares, --robust")
    for sizes, sds in (
        ((30, 30), (1, 1)),
        ((60, 15), (1, 1)),
        ((60, 15), (1, 2)),
        ((60, 15), (1, 3)),
        ((60, 15), (2, 1)),
        ((30, 30), (1, 2)),
    ):
        found = unequal_variances(10 * args.null, rng, sizes, sds)
        print(
            f"  n {sizes[0]} and {sizes[1]}, SD {sds[0]} and {sds[1]}: {100 * found[0]:.1f} %, {100 * found[1]:.1f} %"
        )


if __name__ == "__main__":
    main()

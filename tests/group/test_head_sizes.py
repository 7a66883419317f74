import numpy as np
import pytest

from fs_sclimbic.group.head_sizes import about_identity, etiv_doubts, is_signed, size_doubts, without_scaling

RNG = np.random.default_rng(2)
NAMES = [f"s{i}" for i in range(60)]
HEAD = RNG.normal(0, 0.08, 60)
VOLUMES = 300 * np.exp(HEAD[:, None] + RNG.normal(0, 0.12, (60, 14)))
ETIV = 1.5e6 * np.exp(HEAD + RNG.normal(0, 0.05, 60))
PLAIN = int(np.argmin(np.abs(HEAD)))
"""A subject of middle size."""


def enlarged(factor, volumes=VOLUMES, etiv=ETIV):
    """The cohort with one subject whose voxel size is wrong in every direction."""
    volumes, etiv = volumes.copy(), etiv.copy()
    volumes[PLAIN] *= factor**3
    etiv[PLAIN] *= factor**3
    return volumes, etiv


def test_an_identity_has_the_etiv_of_the_atlas():
    etiv = np.array([1.5e6, 1948106.0, 1948105.9999, 1948110.0])
    assert without_scaling(etiv).tolist() == [False, True, True, False]
    assert about_identity(list("abcd"), etiv).startswith(
        "eTIV is 1948106 for b, c: their talairach.xfm changes no size"
    )
    assert about_identity(["a"], etiv[:1]) == ""


def test_doubts_about_etiv():
    assert etiv_doubts(NAMES, ETIV) == []
    (text,) = etiv_doubts(["a", "b", "c"], np.full(3, 1.4e6))
    assert text == "eTIV is 1.4e+06 for everybody"
    (text,) = etiv_doubts(["a", "b", "c"], np.full(3, 1948106.0))
    assert "a, b, c" in text
    (text,) = etiv_doubts(["a", "b", "c"], np.array([4e5, 1.5e6, 3.1e6]))
    assert "for a (400000), c (3.1e+06); look at their talairach.xfm" in text


@pytest.mark.parametrize(
    ("factor", "word"), [(1.2, "larger"), (1.15, "larger"), (1 / 1.2, "smaller"), (0.5, "smaller")]
)
@pytest.mark.parametrize("with_etiv", [True, False])
def test_a_wrong_voxel_size_is_doubted(factor, word, with_etiv):
    volumes, etiv = enlarged(factor)
    (text,) = size_doubts(NAMES, volumes, etiv if with_etiv else None)
    assert text.startswith(f"{word} than the others in every measure")
    assert f"s{PLAIN} ({factor**3 * np.exp(HEAD[PLAIN]):.1f}"[:-1] in text


def test_real_differences_are_not_doubted():
    assert size_doubts(NAMES, VOLUMES, ETIV) == []
    volumes, etiv = enlarged(1.2)
    volumes[PLAIN, 3] = 200  # one structure does not follow
    assert size_doubts(NAMES, volumes, etiv) == []
    assert size_doubts(NAMES, enlarged(1.2)[0], ETIV) == []  # nor does eTIV
    children = np.concatenate([VOLUMES[:30] * 0.5, VOLUMES[30:]])
    assert size_doubts(NAMES, children) == []


def test_few_subjects_measures_or_zeros_are_no_reason_to_doubt():
    volumes, etiv = enlarged(1.3)
    rows = [PLAIN, *[i for i in range(60) if i != PLAIN]][:9]
    assert size_doubts([NAMES[i] for i in rows], volumes[rows], etiv[rows]) == []
    assert size_doubts(NAMES, volumes[:, :3], etiv) == []
    volumes[5, 4] = 0
    assert len(size_doubts(NAMES, volumes, etiv)) == 1


def test_a_large_cohort_has_heads_of_every_size():
    """Volumes vary by 15 %, eTIV by 9 %: nobody of 1000 is doubted, and a voxel size that is wrong by 20 % is."""
    rng = np.random.default_rng(3)
    head = rng.normal(size=1000)
    volumes = 300 * np.exp(0.1 * head[:, None] + rng.normal(0, 0.11, (1000, 13)))
    etiv = 1.5e6 * np.exp(0.06 * head + rng.normal(0, 0.07, 1000))
    names = [f"s{i}" for i in range(1000)]
    assert size_doubts(names, volumes, etiv) == []
    middle = int(np.argmin(np.abs(head)))
    volumes[middle] *= 1.2**3
    etiv[middle] *= 1.2**3
    assert f"s{middle} (" in " ".join(size_doubts(names, volumes, etiv))


def test_etiv_and_structures_together_tell_more():
    """15 %, which the structures alone do not tell from a large head, is found with eTIV."""
    volumes, etiv = enlarged(1.15)
    assert f"s{PLAIN} (" in " ".join(size_doubts(NAMES, volumes, etiv))


def test_columns_of_differences():
    columns = np.ones((20, 3))
    columns[0, 1], columns[:10, 2] = -1, -1
    assert is_signed(columns).tolist() == [False, False, True]

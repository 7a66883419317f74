import os

import pytest

from fs_sclimbic.errors import TableError
from fs_sclimbic.image.labels import Structure, read_ctab
from fs_sclimbic.network.store import PUBLISHED_SHA256, SHIPPED_SHA256
from fs_sclimbic.segmentation.measure import StructureStats
from fs_sclimbic.segmentation.population import Norm, PopulationFile, default_population, read_population, z_score

POPULATION = {"A": Norm(370, 125, 227)}


def row(name="A", count=300, volume=370.0, confidence=0.85, detached=0):
    return StructureStats(Structure(26, name, (0, 0, 0, 0)), count, volume, confidence, detached)


def test_shipped_population_is_the_published_one(shared):
    ours, published = read_population(), read_population(shared / "models/sclimbic.volstats.csv")
    assert {name: (norm.mean, norm.std) for name, norm in ours.items()} == {
        name: (norm.mean, norm.std) for name, norm in published.items()
    }


def test_shipped_population():
    population = read_population()
    assert len(population) == 13
    assert population["Left-Nucleus-Accumbens"] == Norm(369.6154, 124.8495, 227)
    assert population["Mid-AntCom"].minimum is None


def test_z_score():
    assert z_score(row(volume=495), POPULATION) == 1
    assert z_score(row("unknown"), POPULATION) is None


@pytest.mark.parametrize("line", ["A,1", "A,x,2", "A,1,0", "A,1,-2", "A,1,nan", "A,nan,1", "A,1,2\nA,1,2"])
def test_bad_population(tmp_path, line):
    path = tmp_path / "p.csv"
    path.write_text(f"name,mean,std\n{line}\n")
    with pytest.raises(TableError, match=r"p\.csv:[23]"):
        read_population(path)


def test_population_columns_go_by_name(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("name,mean,std,n\nA,1,2,40\n")
    assert read_population(path) == {"A": Norm(1, 2)}
    path.write_text("name,mean,std,max,min\nA,1,2,9,0.5\n")
    assert read_population(path) == {"A": Norm(1, 2, 0.5)}
    path.write_text("A,1,2\n")
    with pytest.raises(TableError, match="expected a header"):
        read_population(path)


def test_a_table_is_read_when_it_is_used(tmp_path):
    population = PopulationFile(tmp_path / "p.csv")
    (tmp_path / "p.csv").write_text("name,mean,std\nA,1,2\n")
    assert population["A"] == Norm(1, 2)
    assert population == {"A": Norm(1, 2)}
    assert (list(population), len(population), population.get("B")) == (["A"], 1, None)
    (tmp_path / "p.csv").unlink()
    assert population["A"] == Norm(1, 2), "once"
    assert PopulationFile() == read_population()


@pytest.mark.parametrize("text", ["name,mean,std\n" + "x" * 200_000 + ",1,2\n", "name,mean,std,min\nA,1,2,nan\n"])
def test_a_population_that_cannot_be_used(tmp_path, text):
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(TableError, match=r"p\.csv"):
        read_population(tmp_path / "p.csv")


def test_a_population_from_a_command(tmp_path):
    """What a shell writes as ``--population-stats <(command)``."""
    reading, writing = os.pipe()
    os.write(writing, b"name,mean,std\nA,1,2\n")
    os.close(writing)
    try:
        assert read_population(f"/dev/fd/{reading}") == {"A": Norm(1, 2)}
    finally:
        os.close(reading)
    os.mkfifo(tmp_path / "p.csv")
    with pytest.raises(TableError, match="a named pipe"):
        read_population(tmp_path / "p.csv")


def test_the_shipped_weights_have_norms_of_their_own():
    own, published = default_population(SHIPPED_SHA256), default_population(PUBLISHED_SHA256)
    assert dict(published) == read_population()
    assert list(own) == [structure.name for structure in read_ctab().foreground]
    # The same structures, measured otherwise.
    for name, norm in own.items():
        assert norm != published[name]
        assert abs(norm.mean - published[name].mean) < 3 * published[name].std

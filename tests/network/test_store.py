from functools import partial

import pytest

from fs_sclimbic.errors import ModelError
from fs_sclimbic.files.hashing import sha256_of
from fs_sclimbic.files.resources import data_file
from fs_sclimbic.network import install, store
from fs_sclimbic.network.store import (
    PUBLISHED_NAME,
    SHIPPED_NAME,
    SHIPPED_SHA256,
    KnownWeights,
    advice,
    weights_in_words,
)
from tests.network.conftest import KNOWN, put

find_model = partial(store.find_model, known=KNOWN)
is_published = partial(store.is_published, known=KNOWN)


def test_order_of_choice(homes):
    mine = put(homes / "mine" / PUBLISHED_NAME)
    assert find_model().weights == mine
    freesurfer = put(homes / "fs/models" / PUBLISHED_NAME)
    assert find_model().weights == freesurfer
    given = put(homes / "other.h5", "x")
    assert find_model(given).weights == given
    assert [find_model().origin, find_model(given).origin] == ["FREESURFER_HOME, published", "--model"]
    assert is_published(find_model())
    assert not is_published(find_model(given))


def test_the_shipped_weights_are_the_last_choice(homes):
    spec = find_model()
    assert (spec.origin, spec.name) == ("shipped", "fs_sclimbic.h5")
    assert "model install" in advice(spec)
    put(homes / "fs/models" / PUBLISHED_NAME)
    assert find_model().origin == "FREESURFER_HOME, published"
    assert advice(find_model()) is None


def test_weights_by_word(homes):
    assert find_model("shipped").name == "fs_sclimbic.h5"
    with pytest.raises(ModelError, match="no published weights found"):
        find_model("published")
    put(homes / "fs/models" / PUBLISHED_NAME, "someone else's")
    mine = put(homes / "mine" / PUBLISHED_NAME)
    assert find_model().origin == "FREESURFER_HOME"
    assert find_model("published").weights == mine
    assert find_model("shipped").origin == "shipped"


def test_no_weights_names_every_place(homes, monkeypatch):
    incomplete = KnownWeights(shipped_name="none.h5")
    with pytest.raises(ModelError) as error:
        store.find_model(known=incomplete)
    for words in (
        str(homes / "fs/models" / PUBLISHED_NAME),
        str(homes / "mine" / PUBLISHED_NAME),
        "installation is incomplete",
        "model install",
        "--model",
    ):
        assert words in str(error.value)
    monkeypatch.delenv("FREESURFER_HOME")
    with pytest.raises(ModelError, match="variable is not set"):
        store.find_model(known=incomplete)


def test_a_given_file_that_is_not_there(homes):
    with pytest.raises(ModelError, match=r"none\.h5"):
        find_model(homes / "none.h5")


def test_the_python_part_of_a_split_installation(homes, monkeypatch):
    """Beside FreeSurfer's folder, or where its variable says."""
    beside = put(homes / "fspython/models" / PUBLISHED_NAME)
    assert find_model().weights == beside
    assert find_model().origin == "FREESURFER_HOME, published"
    moved = put(homes / "elsewhere/models" / PUBLISHED_NAME)
    monkeypatch.setenv("FREESURFER_FSPYTHON", str(homes / "elsewhere"))
    assert find_model().weights == beside
    monkeypatch.delenv("FREESURFER_HOME")
    assert (find_model().weights, find_model().origin) == (moved, "FREESURFER_FSPYTHON, published")
    first = put(homes / "fs/models" / PUBLISHED_NAME)
    monkeypatch.setenv("FREESURFER_HOME", str(homes / "fs"))
    assert find_model().weights == first


def test_a_user_without_a_home(homes, monkeypatch):
    """As a container's user whose number has no name."""

    def nobody(*_):
        raise KeyError("uid not found")

    monkeypatch.setattr("pwd.getpwuid", nobody)
    for variable in ("HOME", "FS_SCLIMBIC_MODELS", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    assert find_model().origin == "shipped"
    (installed,) = [home for home in store.default_homes_of_weights() if home.origin == "installed"]
    assert (installed.path, installed.present) == (None, False)
    assert "no home folder" in installed.note
    monkeypatch.setenv("FS_SCLIMBIC_MODELS", "~/models")
    assert find_model().origin == "shipped"
    with pytest.raises(ModelError, match="FS_SCLIMBIC_MODELS names another folder"):
        install.install_model(put(homes / "x.h5"), KNOWN)


def test_models_of_one_name_are_told_apart():
    assert sha256_of(data_file("models", SHIPPED_NAME)) == SHIPPED_SHA256
    earlier = [weights_in_words("x.h5", sha256) for sha256 in store.EARLIER_SHIPPED]
    assert earlier == [f"x.h5, {number} shipped model" for number in ("first", "second", "third")]
    assert weights_in_words("x.h5", SHIPPED_SHA256) == "x.h5, fourth shipped model"
    assert weights_in_words("x.h5", "another") == "x.h5"

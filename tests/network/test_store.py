from functools import partial

import pytest

from fs_sclimbic.errors import ModelError
from fs_sclimbic.network import store
from fs_sclimbic.network.store import PUBLISHED_NAME, KnownWeights, advice
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

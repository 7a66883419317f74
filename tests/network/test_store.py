import hashlib

import pytest

from fs_sclimbic.errors import ModelError, UsageError
from fs_sclimbic.network import store
from fs_sclimbic.network.store import (
    PUBLISHED_NAME,
    advice,
    default_homes_of_weights,
    find_model,
    install_model,
    is_published,
    models_folder,
)


@pytest.fixture
def homes(tmp_path, monkeypatch):
    """FREESURFER_HOME and the user's folder, empty; 'published' is the text 'weights'."""
    monkeypatch.setenv("FREESURFER_HOME", str(tmp_path / "fs"))
    monkeypatch.setenv("FS_SCLIMBIC_MODELS", str(tmp_path / "mine"))
    monkeypatch.setattr(store, "PUBLISHED_SHA256", hashlib.sha256(b"weights").hexdigest())
    return tmp_path


def put(path, text="weights"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


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
    monkeypatch.setattr(store, "SHIPPED_NAME", "none.h5")
    with pytest.raises(ModelError) as error:
        find_model()
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
        find_model()


def test_a_given_file_that_is_not_there(homes):
    with pytest.raises(ModelError, match=r"none\.h5"):
        find_model(homes / "none.h5")


def test_install_checks_the_hash(homes):
    with pytest.raises(ModelError, match="not the published file"):
        install_model(put(homes / "wrong.h5", "other"))
    assert not models_folder().exists()
    assert install_model(put(homes / "right.h5")).read_text() == "weights"
    assert find_model().origin == "installed, published"
    models_folder().joinpath(PUBLISHED_NAME).unlink()
    put(homes / "freesurfer/models" / PUBLISHED_NAME)
    assert install_model(homes / "freesurfer").read_text() == "weights"
    with pytest.raises(UsageError):
        install_model("gopher://host/x.h5")
    with pytest.raises(ModelError, match="cannot be read"):
        install_model(homes / "none.h5")


def test_install_from_an_address(homes):
    """Over a real connection, to a server on this machine."""
    import threading
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    put(homes / "www/good.h5")
    put(homes / "www/bad.h5", "other")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(homes / "www")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    try:
        with pytest.raises(ModelError, match="SHA-256 differs"):
            install_model(f"{address}/bad.h5")
        with pytest.raises(ModelError, match="download failed"):
            install_model(f"{address}/none.h5")
        assert [place.origin for place in default_homes_of_weights() if place.present] == ["shipped"]
        assert install_model(f"{address}/good.h5").read_text() == "weights"
    finally:
        server.shutdown()
        server.server_close()

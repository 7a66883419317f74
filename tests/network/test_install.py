"""The published weights come into the user's folder from a file or an address, or not at all."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from fs_sclimbic.errors import ModelError, UsageError
from fs_sclimbic.network import install, store
from fs_sclimbic.network.store import PUBLISHED_NAME, default_homes_of_weights, models_folder
from tests.network.conftest import KNOWN, put

find_model = partial(store.find_model, known=KNOWN)
install_model = partial(install.install_model, known=KNOWN)


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

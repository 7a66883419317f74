"""A model with its weights loaded, ready for many images."""

from collections.abc import Callable
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model import DEFAULT_CHANNELS, DEFAULT_FEATURES, DEFAULT_FOV_MM, ModelSpec
from ..store import find_model
from ..volume import Volume
from ..weights import read_weights
from .backend import configure, keras
from .unet import build_unet, fill_weights


class KerasPredictor:
    """The network under Keras, over the whole box.

    Parameters
    ----------
    spec : ModelSpec
    threads : int, optional
        Processor threads; by default the backend's own choice.
    device : str, optional
        Number of a CUDA device; by default the processor.

    Raises
    ------
    ModelError
        If the weights do not fit the network, or the device is not there.
    """

    def __init__(self, spec: ModelSpec, threads: int | None = None, device: str | None = None) -> None:
        self.spec = spec
        weights = read_weights(spec)
        configure(threads, device)
        network = build_unet(spec)
        fill_weights(network, weights)
        self._forward = _compiled(network)

    def predict(self, conformed: Volume) -> Volume:
        """Posteriors of a conformed image; see `fs_sclimbic.Predictor`."""
        batch = np.ascontiguousarray(conformed.data, np.float32)[np.newaxis, ..., np.newaxis]
        return Volume(self._forward(batch)[0], conformed.grid)


def _compiled(network: Any) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """A forward pass as a function of arrays: a graph under TensorFlow, which is quicker than model.predict."""
    if keras.backend.backend() != "tensorflow":
        return lambda batch: keras.ops.convert_to_numpy(network(batch, training=False))
    import tensorflow as tf

    graph = tf.function(
        lambda batch: network(batch, training=False),
        input_signature=[tf.TensorSpec(network.input_shape, tf.float32)],
        autograph=False,
    )
    return lambda batch: graph(tf.constant(batch)).numpy()


def load_model(
    weights: str | PathLike[str] | None = None,
    ctab: str | PathLike[str] | None = None,
    *,
    fov: int = DEFAULT_FOV_MM,
    features: int = DEFAULT_FEATURES,
    channels: int = DEFAULT_CHANNELS,
    threads: int | None = None,
    device: str | None = None,
) -> KerasPredictor:
    """Find a model and load its weights.

    Parameters
    ----------
    weights : path-like, optional
        A weight file (.h5); by default the published one of FreeSurfer, the user-installed one, or the shipped one.
    ctab : path-like, optional
        Its colour table, one row per output channel; by default the limbic one.
    fov, features, channels : int
        Geometry of the network: box edge in 1 mm voxels, features of the first level, input channels.
    threads : int, optional
        Processor threads; by default the backend's own choice.
    device : str, optional
        Number of a CUDA device; by default the processor.

    Returns
    -------
    KerasPredictor
        To be given to `fs_sclimbic.segment`, any number of times.

    Raises
    ------
    ModelError
        If no weights are found or they do not fit.
    """
    return KerasPredictor(find_model(weights, ctab, fov=fov, features=features, channels=channels), threads, device)

"""The network under Keras: TensorFlow, or JAX or PyTorch where ``KERAS_BACKEND`` says so; on a GPU if asked."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from .backend import compiled, configure
from .receptive_field import Extents
from .spec import ModelSpec
from .unet import build_unet, fill_weights
from .weights import Weights


class KerasEngine:
    """Runs a network whose weights are given, for any box.

    Parameters
    ----------
    spec : ModelSpec
    weights : Weights
    threads : int, optional
        Processor threads; by default the backend's own choice.
    device : str, optional
        Number of a CUDA device; by default the processor.
    precision : {"float32", "bfloat16"}
        What the layers compute in.

    Raises
    ------
    ModelError
        If the weights do not fit the network, or the device is not there.
    """

    def __init__(
        self,
        spec: ModelSpec,
        weights: Weights,
        threads: int | None = None,
        device: str | None = None,
        precision: str = "float32",
    ) -> None:
        configure(threads, device)
        self._spec, self._weights, self._precision = spec, weights, precision
        self.backend: str = keras.backend.backend()
        self._compiled: dict[object, Callable[..., Any]] = {}

    def __call__(self, image: NDArray[np.float32], extents: Extents) -> NDArray[np.float32]:
        """Posteriors of a box.

        Parameters
        ----------
        image : ndarray, shape ``extents.image.shape``
            float32 intensities from 0 to 1.
        extents : Extents
            What is wanted.

        Returns
        -------
        ndarray, shape (*extents.wanted.shape, labels)
        """
        # The network takes boxes of any size that are cut alike.
        kind = extents.pads, extents.crops()
        if kind not in self._compiled:
            network = build_unet(
                len(self._spec.colors),
                self._spec.features,
                self._spec.channels,
                extents=extents,
                precision=self._precision,
            )
            fill_weights(network, self._weights)
            self._compiled[kind] = compiled(network)
        tensor = keras.ops.convert_to_tensor(image[np.newaxis, ..., np.newaxis], "float32")
        return np.asarray(keras.ops.convert_to_numpy(self._compiled[kind](tensor))[0])

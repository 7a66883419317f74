"""The backend of Keras: its device, its threads, its compiler."""

import logging
import os
from collections.abc import Callable
from typing import Any

import keras

from ..errors import ModelError
from .libraries import silent_stderr

logger = logging.getLogger(__name__)

# What scripts ask for whatever the machine has.
FIRST_DEVICE = "0"
NO_GPU = "CUDA device %s: %s finds no GPU on this machine; the processor is used"


def backend_name() -> str:
    """What runs Keras: ``tensorflow``, ``jax`` or ``torch``."""
    return str(keras.backend.backend())


def configure(threads: int | None = None, device: str | None = None) -> None:
    """Choose threads and device; must come before the first network is built.

    Parameters
    ----------
    threads : int, optional
        Processor threads; by default the backend's own choice.
    device : str, optional
        Number of a CUDA device. Without it TensorFlow uses the processor, also where there is a GPU; JAX and PyTorch
        use what they find. If 0 is asked for on a machine without a GPU, the processor is used, with a warning.

    Raises
    ------
    ModelError
        If the device is not there, or this process has already started on others.
    """
    backend = backend_name()
    if backend == "tensorflow":
        _configure_tensorflow(threads, device)
    elif device is not None:
        _choose_cuda_device(backend, device)
    elif backend == "torch" and threads:
        import torch

        torch.set_num_threads(threads)
    elif threads:
        logger.warning("%s takes the threads that it finds; --threads %d has no effect on it", backend, threads)


def _choose_cuda_device(backend: str, device: str) -> None:
    """Let JAX or PyTorch see one GPU; both look for them when they are first used."""
    os.environ["CUDA_VISIBLE_DEVICES"] = device
    if backend == "torch":
        import torch

        # TF32, as for TensorFlow below.
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        found = torch.cuda.is_available()
    else:
        import jax

        jax.config.update("jax_default_matmul_precision", "highest")
        found = jax.default_backend() == "gpu"
    if not found and device == FIRST_DEVICE:
        logger.warning(NO_GPU, device, backend)
    elif not found:
        raise ModelError(
            f"CUDA device '{device}' is not there: {backend} finds no GPU of this number; leave --cuda-device out"
        )


def compiled(network: Any) -> Callable[..., Any]:
    """A network as a function of tensors for inference, compiled where the backend can.

    Quicker than Keras' ``predict``, and free of its copies and messages.
    """

    def forward(*inputs: Any) -> Any:
        return network(inputs[0] if len(inputs) == 1 else list(inputs), training=False)

    backend = backend_name()
    if backend == "tensorflow":
        import tensorflow as tf

        signature = [tf.TensorSpec((1, *tensor.shape[1:]), tf.float32) for tensor in network.inputs]
        return tf.function(forward, input_signature=signature, autograph=False)  # type: ignore[no-any-return]
    if backend == "jax":
        import jax

        def stateless(trainable: Any, fixed: Any, inputs: Any) -> Any:
            return network.stateless_call(trainable, fixed, inputs, training=False)[0]

        # The weights are arguments: those of the first call would stay in the compiled code for ever.
        jitted = jax.jit(stateless)
        return lambda *inputs: jitted(
            [variable.value for variable in network.trainable_variables],
            [variable.value for variable in network.non_trainable_variables],
            inputs[0] if len(inputs) == 1 else list(inputs),
        )
    if backend == "torch":
        import torch

        return torch.no_grad()(forward)  # type: ignore[no-any-return]
    return forward


def compiled_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of arrays, compiled where the backend can; arrays become tensors."""
    backend = backend_name()

    def of_tensors(*arrays: Any) -> Any:
        return function(*(keras.ops.convert_to_tensor(array) for array in arrays))

    if backend == "tensorflow":
        import tensorflow as tf

        compiled_graph = tf.function(function, autograph=False)
        return lambda *arrays: compiled_graph(*(tf.convert_to_tensor(array) for array in arrays))
    if backend == "jax":
        import jax

        return jax.jit(function)  # type: ignore[no-any-return]
    if backend == "torch":
        import torch

        return torch.no_grad()(of_tensors)  # type: ignore[no-any-return]
    return of_tensors


def _configure_tensorflow(threads: int | None, device: str | None) -> None:
    import tensorflow as tf

    with silent_stderr():
        gpus = tf.config.list_physical_devices("GPU")
    if device == FIRST_DEVICE and not gpus:
        logger.warning(NO_GPU, device, "TensorFlow")
        device = None
    if device is not None and (not device.isdigit() or int(device) >= len(gpus)):
        raise ModelError(
            f"CUDA device '{device}' is not there: TensorFlow sees {len(gpus)} GPU(s); leave "
            "--cuda-device out to use the processor"
        )
    # A network is built for each way to cut a box: so many functions are right.
    logging.getLogger("tensorflow").addFilter(lambda record: "retracing" not in record.getMessage())
    # TF32 rounds the inputs of each product to 10 bits: other numbers than the published ones.
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        tf.config.set_visible_devices([gpus[int(device)]] if device is not None else [], "GPU")
    except RuntimeError as error:
        if device is not None:
            raise ModelError(
                "TensorFlow has started on other devices in this process; choose the device for the first model"
            ) from error
        logger.warning("TensorFlow has started in this process: it keeps its devices")
    try:
        if threads:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        logger.warning("TensorFlow has started in this process: it keeps its number of threads instead of %d", threads)

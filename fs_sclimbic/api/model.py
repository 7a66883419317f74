"""Load a model from Python."""

from ..network import predictor
from .wording import naming_arguments

load_model = naming_arguments()(predictor.load_model)
"""`fs_sclimbic.network.predictor.load_model`, with messages that name arguments."""

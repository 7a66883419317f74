"""Learn where the structures of a model lie, from the first case that shows all of them."""

import logging
from dataclasses import replace

from ..network.store import find_prior, learned_prior_file, write_prior
from ..segmentation.segment import learn_prior
from .pipeline import PredictedCase

logger = logging.getLogger(__name__)


class PriorNotKeptError(Exception):
    """A learned prior cannot be kept in the user's folder."""


def learn_from(predicted: PredictedCase) -> PredictedCase:
    """Learn a prior from a case, and keep it for this and later runs.

    It is learned as soon as the network has run, so that it does not depend on thread timing which case it comes from.

    Parameters
    ----------
    predicted : PredictedCase
        Of a model without a prior.

    Returns
    -------
    PredictedCase
        With the prior in its run and the prediction cropped by it; the same object if nothing was learned.

    Raises
    ------
    PriorNotKeptError
        If the prior cannot be written, with the reason in one line.
    """
    spec = predicted.run.spec
    kept = learned_prior_file(spec.sha256, spec.colors)
    try:
        learned = learn_prior(predicted.opened.prepared, predicted.prediction, spec)
        if learned is None:
            return predicted
        prior, prediction = learned
        # Another job may have learned it meanwhile: one prior for the whole study.
        known = find_prior(spec.weights, spec.sha256, spec.colors)
        if known is None:
            write_prior(kept, prior, spec.sha256)
    except OSError as error:
        raise PriorNotKeptError(f"where the structures lie cannot be kept in {kept} ({error.strerror})") from error
    except Exception as error:  # a prior saves time; without it the results are still right
        logger.warning("where the structures lie was not learned: %s: %s", type(error).__name__, error)
        return predicted
    run = replace(predicted.run, spec=replace(spec, prior=known or prior))
    notes = (f"learned where the structures lie, kept in {kept}",)
    return replace(predicted, prediction=prediction, run=run, notes=notes)

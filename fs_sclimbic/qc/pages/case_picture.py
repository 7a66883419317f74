"""The picture of a case as pages show it."""

import io
import threading

from ...files.figures import load_pyplot
from ...image.volume import Volume
from ..finished_case import FinishedCase
from ..pictures import draw_labels

_LOCK = threading.Lock()


def draw_case_picture(case: FinishedCase, t1: Volume | None, labels: Volume) -> bytes:
    """Draw a case."""
    with _LOCK:
        figure = draw_labels(t1 or labels, labels, case.colors, case.name)
        content = io.BytesIO()
        figure.savefig(content, dpi=80, format="webp", facecolor="black")
        load_pyplot().close(figure)
        return content.getvalue()

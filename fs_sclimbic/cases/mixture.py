"""Cases of one study that were made in different ways: their numbers do not belong into one table."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .protection import WORDS, etiv_source
from .record import Record, Settings, weights_name

NAMES = {
    "weights_sha256": "weights",
    "percentile": "top of the intensity range",
    "low_percentile": "bottom of the intensity range",
    "voxel_counts": "voxel counts for volumes",
    "full_fov": "whole field of view",
    "average_shifts": "starts",
    "colors": "colour table",
    "population": "population table",
    "exclude": "excluded SegIds",
}
"""What settings are called where they differ; others by their own names."""
MAX_NAMES = 5
"""A message names no more cases than this."""
MAX_VALUE_CHARACTERS = 40


def find_mixture(records: Sequence[tuple[str, Record]]) -> list[str]:
    """Find settings that are not the same in all records.

    Parameters
    ----------
    records : sequence of (name, Record)

    Returns
    -------
    list of str
        A line for each such setting, which names the values and the cases of all but the most frequent one.
    """
    values: dict[str, Callable[[Settings], Any]] = {
        **{key: partial(_value_of, key) for key in (*WORDS, "exclude")},
        "source of eTIV": lambda settings: etiv_source(settings) or "none",
    }
    lines = []
    for key, value_of in values.items():
        groups = _groups_of_equals(records, value_of)
        if len(groups) > 1:
            most, *others = sorted(groups, key=len, reverse=True)
            told = [f"{len(most)} cases {_shown(key, value_of, most[0][1])}"]
            told += [f"{_who(group)} {_shown(key, value_of, group[0][1])}" for group in others]
            lines.append(f"{NAMES.get(key, key.replace('_', ' '))}: {'; '.join(told)}")
    return lines


def _groups_of_equals(
    records: Sequence[tuple[str, Record]], value_of: Callable[[Settings], Any]
) -> list[list[tuple[str, Record]]]:
    """Records by a value that may be a list or a dict; to write each as text takes seconds for thousands."""
    values: list[Any] = []
    groups: list[list[tuple[str, Record]]] = []
    for name, record in records:
        value = value_of(record.settings)
        if value not in values:
            values.append(value)
            groups.append([])
        groups[values.index(value)].append((name, record))
    return groups


def _value_of(key: str, settings: Settings) -> Any:
    return settings.get(key)


def _who(group: Sequence[tuple[str, Record]]) -> str:
    names = [name for name, _ in group]
    return ", ".join(names[:MAX_NAMES]) + (f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else "")


def _shown(key: str, value_of: Callable[[Settings], Any], record: Record) -> str:
    """A value in a few words, with 'have' or 'has' left out."""
    value = value_of(record.settings)
    if key == "weights_sha256":
        return f"{weights_name(record)} {str(value)[:8]}".strip()
    if value is None:
        return "default"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= MAX_VALUE_CHARACTERS else "another one"

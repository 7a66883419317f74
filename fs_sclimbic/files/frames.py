"""Pandas, where it is installed."""

from typing import Any

from ..errors import UsageError


def load_pandas() -> Any:
    """Load pandas, which only data frames need.

    Raises
    ------
    UsageError
        If it is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise UsageError("a data frame needs pandas: python -m pip install pandas") from error
    return pandas

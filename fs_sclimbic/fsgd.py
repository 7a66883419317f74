"""FreeSurfer group descriptor files (FSGD)."""

from .design import Design, GroupClass, condition_hints, condition_number, variable_hints

__all__ = ["Design", "GroupClass", "condition_hints", "condition_number", "variable_hints"]

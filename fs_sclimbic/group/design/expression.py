"""Weights from text such as ``(A+B)/2 - C``, where the names are columns of a design."""

import difflib
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import DesignError

OPERATORS = "+-*/();"
UNSIGNED = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
MAX_READINGS = 4096
MAX_DEPTH = 50
"""Brackets and signs inside each other."""
DASHES = "\u2010\u2011\u2012\u2013\u2014\u2212"
"""Word processors and web pages put these for a minus."""

Token = float | int | str
"""A number (float), a column's index (int) or an operator (str)."""
Form = tuple[NDArray[np.float64], float]
"""A linear form: weights of the columns, and a number beside them."""


class _NotAForm(Exception):
    """Tokens that are not a linear form; the message says why."""


def linear_rows(text: str, columns: Sequence[str]) -> NDArray[np.float64]:
    """Weights of one or several expressions.

    Parameters
    ----------
    text : str
        Sums and differences of columns, with numbers, ``*``, ``/`` and brackets; ``;`` between rows. Names may hold
        signs (``sub-type``); blanks around an operator tell it from such a sign.
    columns : sequence of str
        Names of the design's columns.

    Returns
    -------
    ndarray, shape (rows, columns)

    Raises
    ------
    DesignError
        If a name is no column, or the text can be read in two ways or not at all.
    """
    found: list[NDArray[np.float64]] = []
    reasons: list[str] = []
    for number, tokens in enumerate(_readings(text, columns)):
        if number == MAX_READINGS:
            raise DesignError(
                f"contrast '{text[:60]}': too many of its names are numbers or hold signs; use a matrix file"
            )
        try:
            rows = _rows(tokens, len(columns))
        except _NotAForm as error:
            reasons.append(str(error))
            continue
        if not any(np.array_equal(rows, other) for other in found):
            found.append(rows)
        if len(found) > 1:
            raise DesignError(
                f"contrast '{text}': can be read in two ways, since names of columns hold signs, are numbers or stand "
                f"twice; put blanks around the operators, or use a matrix file; the columns are {', '.join(columns)}"
            )
    if not found and not reasons:
        raise DesignError(f"contrast '{text}': {_unknown(text, columns)}; the columns are {', '.join(columns)}")
    if not found:
        raise DesignError(f"contrast '{text}': {reasons[0]}; the columns are {', '.join(columns)}")
    return found[0]


def reads_as_expression(text: str, columns: Sequence[str]) -> bool:
    """Whether a text could be an expression over these columns.

    Parameters
    ----------
    text : str
    columns : sequence of str
        Names of the design's columns.

    Returns
    -------
    bool
    """
    return next(_readings(text, columns), None) is not None


def _readings(text: str, columns: Sequence[str]) -> Iterator[list[Token]]:
    """Every way to cut a text into tokens: columns first, then numbers, then operators."""
    dead: set[int] = set()  # places from which no reading reaches the end; without them a long text takes very long
    path: list[Token] = []  # the tokens before the last level
    levels = [_Level(0, iter(_tokens_at(text, 0, columns)))]
    if not text.strip():
        yield []
    while levels:
        level = levels[-1]
        token, end = next(level.choices, (None, 0))
        if token is None:
            levels.pop()
            if levels:
                path.pop()
                levels[-1].alive |= level.alive
            if not level.alive:
                dead.add(level.start)
            continue
        while end < len(text) and text[end].isspace():
            end += 1
        if end == len(text):
            level.alive = True
            yield [*path, token]
        elif end not in dead:
            path.append(token)
            levels.append(_Level(end, iter(_tokens_at(text, end, columns))))


@dataclass
class _Level:
    """A place of a text, and the ways to go on from it."""

    start: int
    choices: Iterator[tuple[Token, int]]
    alive: bool = False


def _tokens_at(text: str, start: int, columns: Sequence[str]) -> list[tuple[Token, int]]:
    """The tokens that can begin at this position, and where each ends."""
    while start < len(text) and text[start].isspace():
        start += 1
    if start == len(text):
        return []
    found: list[tuple[Token, int]] = [
        (index, start + len(name)) for index, name in enumerate(columns) if name and text.startswith(name, start)
    ]
    number = UNSIGNED.match(text, start)
    found += [(float(number[0]), number.end())] if number else []
    found = [(token, end) for token, end in found if end == len(text) or text[end].isspace() or text[end] in OPERATORS]
    return found + ([(text[start], start + 1)] if text[start] in OPERATORS else [])


def _unknown(text: str, columns: Sequence[str]) -> str:
    """Why a text cannot be read: its first word that is neither a column nor a number."""
    dashes = [sign for sign in text if sign in DASHES]
    if dashes:
        return f"'{dashes[0]}' is a dash; write a minus, '-'"
    words = [word for word in re.split(r"[\s+*/();-]+", text) if word]
    wrong = next((word for word in words if word not in columns and not UNSIGNED.fullmatch(word)), text)
    slopes = [name for name in columns if name.endswith(f":{wrong}")]
    if slopes:
        mean = f"({'+'.join(slopes)})/{len(slopes)}"
        return f"'{wrong}' has a column for each class (dods); write '{mean}' for the mean slope"
    close = difflib.get_close_matches(wrong, columns, 1)
    return f"'{wrong}' is no column of the design" + (f", did you mean '{close[0]}'" if close else "")


def _rows(tokens: Sequence[Token], n_columns: int) -> NDArray[np.float64]:
    rows, row = [], list[Token]()
    for token in [*tokens, ";"]:
        if token != ";":
            row.append(token)
            continue
        parser = _Parser(row, n_columns)
        with np.errstate(all="ignore"):
            weights, constant = parser.sum()
        if not (np.isfinite(weights).all() and np.isfinite(constant)):
            raise _NotAForm("a weight is too large for a number")
        if parser.tokens:
            raise _NotAForm(
                "expected an operator between names (+ - * /)"
                if any(isinstance(token, int) for token in tokens)
                else "weights without names are a matrix, which goes into a file, --C FILE"
            )
        if constant:
            raise _NotAForm(
                f"the number {constant:g} stands without a column; a value of the null hypothesis goes into a file, "
                "--C CONTRAST GAMMA0"
            )
        rows.append(weights)
        row = []
    return np.array(rows) + 0.0  # no -0


class _Parser:
    """Reads tokens from the left; every method returns the linear form of what it took."""

    def __init__(self, tokens: Sequence[Token], n_columns: int) -> None:
        self.tokens = deque(tokens)
        self.n_columns = n_columns
        self.depth = 0

    def sum(self) -> Form:
        weights, constant = self.product()
        while self.tokens and self.tokens[0] in ("+", "-"):
            sign = 1 if self.tokens.popleft() == "+" else -1
            if self.tokens and self.tokens[0] in ("+", "-"):
                raise _NotAForm("two signs stand together; write one of them")
            more, number = self.product()
            weights, constant = weights + sign * more, constant + sign * number
        return weights, constant

    def product(self) -> Form:
        weights, constant = self.factor()
        while self.tokens and self.tokens[0] in ("*", "/"):
            operator = self.tokens.popleft()
            more, number = self.factor()
            if operator == "/":
                if more.any() or not number:
                    raise _NotAForm("only a number other than 0 may divide")
                more, number = np.zeros(self.n_columns), 1 / number
            if weights.any() and more.any():
                raise _NotAForm("columns may be multiplied with numbers only; a difference is written 'A - B'")
            weights, constant = weights * number + more * constant, constant * number
        return weights, constant

    def factor(self) -> Form:
        token = self.tokens.popleft() if self.tokens else None
        if token in ("+", "-", "("):
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise _NotAForm(f"more than {MAX_DEPTH} brackets or signs stand inside each other")
        if token in ("+", "-"):
            weights, constant = self.factor()
            self.depth -= 1
            return (weights, constant) if token == "+" else (-weights, -constant)
        if token == "(":
            form = self.sum()
            self.depth -= 1
            if not self.tokens or self.tokens.popleft() != ")":
                raise _NotAForm("a bracket is not closed")
            return form
        weights = np.zeros(self.n_columns)
        if isinstance(token, float):
            return weights, token
        if isinstance(token, int):
            weights[token] = 1
            return weights, 0.0
        raise _NotAForm(f"expected a column or a number, found '{token}'" if token else "a column or number is missing")

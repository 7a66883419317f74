"""Read the tags of an FSGD line by line, and note what is wrong with each line."""

import difflib
from collections.abc import Callable

from ...errors import DesignError
from ..text_files import finite_number
from .contrast import is_usable_name
from .design import METHODS, GroupClass
from .fsgd_content import Found, Input, Notes

FIRST_TAG = "GroupDescriptorFile"
CHANGE_THE_ANALYSIS = (
    *("Input", "Class", "Variables", "Variable", "DODS", "DOSS", "DeMeanFlag", "ReScaleFlag"),
    *("Contrast", "FContrast", "DesignMatFile", "VariableFromFile", "VariableFromASeg"),
)
"""A misspelt one of these is an error, since mri_glmfit passes over it and computes something else."""
DESCRIBE = (
    *("Title", "MeasurementName", "Tessellation", "RegistrationSubject", "PlotFile", "DefaultVariable"),
    *("ResidualFWHM", "LogY"),
)
NOT_READ = ("creator", "subjects_dir", "synthseed")
"""Lines that mri_glmfit puts below its y.fsgd."""
TAGS = frozenset((*(tag.lower() for tag in (FIRST_TAG, *CHANGE_THE_ANALYSIS, *DESCRIBE)), *NOT_READ))
"""What the first word of a line may be, in lower case."""

INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"


class TagReader:
    """Reads the lines of an FSGD into what they say, and notes what is wrong with them.

    Parameters
    ----------
    notes : Notes
    """

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.found = Found()
        self.handlers: dict[str, Callable[[int, list[str]], list[str]]] = {
            "class": self._class,
            "variables": self._variables,
            "variable": self._variables,
            "input": self._input,
            "dods": self._method,
            "doss": self._method,
            "contrast": self._contrast,
            "fcontrast": self._fcontrast,
            "designmatfile": self._not_possible,
            "variablefromfile": self._not_possible,
            "variablefromaseg": self._not_possible,
            **dict.fromkeys(("demeanflag", "rescaleflag", "residualfwhm", "logy"), self._number),
            **dict.fromkeys(
                ("measurementname", "tessellation", "registrationsubject", "plotfile", "defaultvariable"), self._word
            ),
        }

    def read(self, text: str) -> Found:
        """What the text says.

        Raises
        ------
        DesignError
            If it does not begin as an FSGD does; the rest is noted.
        """
        lines = text.split("\n")
        start = next((number for number, line in enumerate(lines) if line.strip()), 0)
        first = lines[start].split()
        is_fsgd = [word.lower() for word in first[:1]] == [FIRST_TAG.lower()]
        if not is_fsgd or first[1:2] != ["1"]:
            what = f"found '{' '.join(first)[:60]}'" if first else "the file is empty"
            advice = "write the version, which is 1" if is_fsgd else "put this line first, and comments below it"
            raise DesignError(f"{self.notes.source}:{start + 1}: expected '{FIRST_TAG} 1', {what}; {advice}")
        for number, line in enumerate(lines[start:], start + 1):
            words = first[2:] if number == start + 1 else self._visible(number, line)
            self.found.last_line = number if words else self.found.last_line
            while words:
                words = self._one_tag(number, words, line)
        return self.found

    def _problem(self, line: int, text: str) -> list[str]:
        """Note a problem; nothing of the line is left to read."""
        self.notes.problem(line, text)
        return []

    def _visible(self, number: int, line: str) -> list[str]:
        """Words of a line; invisible signs are refused, since they would become part of a name."""
        words = line.split()
        if line.isascii() or not words or words[0].startswith("#") or words[0].lower() == "title":
            return words
        strange = [sign for sign in line if sign in INVISIBLE or (sign.isspace() and not sign.isascii())]
        if strange:
            self._problem(number, f"holds a blank that is none (U+{ord(strange[0]):04X}); type the blank again")
        return "".join("" if sign in INVISIBLE else sign for sign in line).split()

    def _one_tag(self, number: int, words: list[str], line: str) -> list[str]:
        """Handle one tag; the words that it does not take are read as a further tag, as in mri_glmfit."""
        tag = words[0].lower()
        if tag.startswith("#") or tag in NOT_READ:
            return []
        if tag == "title":
            if self.found.title:
                self.notes.warning(number, "a second Title; this one is used")
            self.found.title_line = number
            is_first = line.split()[0] == words[0]
            self.found.title = line.split(maxsplit=1)[1].strip() if is_first and len(words) > 1 else " ".join(words[1:])
            return []
        return self.handlers.get(tag, self._unknown)(number, words)

    def _unknown(self, number: int, words: list[str]) -> list[str]:
        tag, text = words[0], " ".join(words)[:60]
        known = {name.lower(): name for name in (*CHANGE_THE_ANALYSIS, *DESCRIBE, FIRST_TAG)}
        close = difflib.get_close_matches(tag.lower(), known, 1, 0.75)
        like = known[close[0]] if close else ""
        n_variables = len(self.found.variables or ())
        if n_variables and len(words) == 3 + n_variables and words[2] in self.found.classes:
            like = "Input"
        if like in CHANGE_THE_ANALYSIS:
            lost = "; the subject would be lost" if like == "Input" else ""
            return self._problem(
                number,
                f"unknown tag '{tag}', did you mean '{like}'? found '{text}'{lost}; correct it or begin it with #",
            )
        meant = f", did you mean '{like}'?" if like else ""
        self.notes.warning(number, f"unknown tag '{tag}'{meant}; not read: '{text}'")
        return []

    def _class(self, number: int, words: list[str]) -> list[str]:
        if len(words) < 2:
            return self._problem(number, "expected 'Class NAME [MARKER [COLOUR]]', found 'Class' alone")
        name, extras = words[1], words[2:]
        if name in self.found.classes:
            first = self.found.classes[name][0]
            return self._problem(number, f"class '{name}' stands twice, first in line {first}; remove one line")
        if len(extras) > 2:
            self.notes.warning(
                number, f"expected 'Class NAME [MARKER [COLOUR]]'; no marker is read from '{' '.join(extras)[:60]}'"
            )
            extras = []
        self.notes.has_room(number, "class name", name)
        self.found.classes[name] = (number, GroupClass(name, *extras))
        return []

    def _variables(self, number: int, words: list[str]) -> list[str]:
        names = words[1:]
        if self.found.variables is not None:
            return self._problem(
                number,
                f"a second Variables line, the first is line {self.found.variables_line}: '{' '.join(words)[:60]}'; "
                "name all variables in one",
            )
        remark = next((place for place, name in enumerate(names) if name.startswith("#")), len(names))
        if remark < len(names):
            self._problem(
                number,
                f"a comment cannot follow in a line, found '{' '.join(names[remark:])[:60]}'; give it its own line",
            )
        names = names[:remark]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            self._problem(number, f"variable '{', '.join(twice)}' stands twice; remove or rename one")
        if not names:
            self.notes.warning(number, "no variable stands behind 'Variables'")
        for name in names:
            self.notes.has_room(number, "variable name", name)
            if name.lower() in ("sex", "gender"):
                self.notes.warning(
                    number, f"variable '{name}' is fitted as a number; groups of people are better told by classes"
                )
        self.found.variables, self.found.variables_line = tuple(names), number
        return []

    def _input(self, number: int, words: list[str]) -> list[str]:
        if len(words) < 3:
            return self._problem(number, f"expected 'Input SUBJECT CLASS [VALUES]', found '{' '.join(words)[:60]}'")
        _, subject, name, *values = words
        remark = next((place for place, word in enumerate(values) if word.startswith("#")), len(values))
        if remark < len(values):
            self._problem(
                number,
                f"a comment cannot follow in a line, found '{' '.join(values[remark:])[:60]}' behind subject "
                f"'{subject}'; give it its own line",
            )
        self.notes.has_room(number, "subject name", subject)
        if name not in self.found.classes:
            self.found.early.setdefault(name, []).append(number)
        self.found.inputs.append(Input(number, subject, name, values[:remark]))
        return []

    def _method(self, number: int, words: list[str]) -> list[str]:
        method = next(method for method in METHODS if method == words[0].lower())
        if self.found.method not in (None, method):
            self._problem(number, "the file says both DODS and DOSS; keep one of them")
        self.found.method, self.found.method_line = method, number
        return words[1:]

    def _number(self, number: int, words: list[str]) -> list[str]:
        tag, text = words[0], " ".join(words[1:2])
        value = finite_number(text)
        wanted = "0 or 1" if "flag" in tag.lower() else "a number"
        if value is None or (wanted == "0 or 1" and value not in (-1, 0, 1)) or (tag.lower() == "logy" and value % 1):
            self._problem(number, f"expected {wanted} behind {tag}, found '{text}'")
        elif self.found.numbers.setdefault(tag.lower(), value) != value:
            self._problem(number, f"{tag} stands twice with different values; keep one line")
        return words[2:]

    def _word(self, number: int, words: list[str]) -> list[str]:
        if len(words) < 2:
            return self._problem(number, f"expected a word behind {words[0]}")
        self.found.words[words[0].lower()], self.found.words_line[words[0].lower()] = words[1], number
        return words[2:]

    def _not_possible(self, number: int, words: list[str]) -> list[str]:
        advice = {
            "designmatfile": "remove the line, as classes and variables make the matrix, or give the file as --X",
            "variablefromfile": "write the values into the Input lines",
            "variablefromaseg": "write the values into the Input lines",
        }[words[0].lower()]
        return self._problem(number, f"{words[0]} is not read, found '{' '.join(words)[:60]}'; {advice}")

    def _is_new_contrast(self, number: int, words: list[str]) -> bool:
        """Whether a contrast's name is there, new and usable."""
        if len(words) < 3:
            what = "WEIGHTS" if words[0].lower() == "contrast" else "CONTRASTS"
            self._problem(number, f"expected '{words[0]} NAME {what}', found '{' '.join(words)[:60]}'")
            return False
        if words[1] in self.found.order:
            self._problem(number, f"contrast '{words[1]}' stands twice; rename or remove one")
            return False
        if not is_usable_name(words[1]):
            self._problem(number, f"'{words[1]}' cannot name a contrast, since its folder is called so; rename it")
        return True

    def _contrast(self, number: int, words: list[str]) -> list[str]:
        if self._is_new_contrast(number, words):
            weights = [finite_number(word) for word in words[2:]]
            wrong = [word for word, weight in zip(words[2:], weights, strict=True) if weight is None]
            if wrong:
                self._problem(number, f"contrast '{words[1]}': expected numbers, found '{' '.join(wrong)[:60]}'")
            self.found.order.append(words[1])
            self.found.contrasts[words[1]] = (number, [weight or 0.0 for weight in weights])
        return []

    def _fcontrast(self, number: int, words: list[str]) -> list[str]:
        if self._is_new_contrast(number, words):
            self.found.order.append(words[1])
            self.found.stacked[words[1]] = (number, words[2:])
        return []

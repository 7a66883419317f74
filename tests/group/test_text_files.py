import unicodedata

from fs_sclimbic.group.text_files import displayable, name_key, read_cells, same_names


def test_comments_leave_the_line_numbers(write):
    rows = read_cells(write("# x,y\nfsid age\n#sub-1 2\nsub-2 3\n"), comment="#")
    assert [(row.line, row.cells) for row in rows] == [(2, ("fsid", "age")), (4, ("sub-2", "3"))]


def raw(text, encoding):
    """A name as it is read from a file in another encoding."""
    return text.encode(encoding).decode("utf-8", "surrogateescape")


def test_names_meet_whatever_their_bytes():
    composed, decomposed = (unicodedata.normalize(form, "Müller") for form in ("NFC", "NFD"))
    windows = raw("Müller", "cp1252")
    assert len({composed, decomposed, windows}) == 3
    assert {name_key(name) for name in (composed, decomposed, windows)} == {composed}
    for wanted in (composed, decomposed, windows):
        for there in (composed, decomposed, windows):
            assert same_names([wanted, "bert"], ["x", there, "bert"]) == {wanted: there, "bert": "bert"}
    assert same_names([composed], [decomposed, windows]) == {}  # either may be meant
    assert same_names([composed], [decomposed, composed]) == {composed: composed}
    assert same_names(["Muller"], [composed]) == {}


def test_bytes_are_shown_as_windows_writes_them():
    assert displayable(raw("Müller €", "cp1252")) == "Müller €"
    assert displayable("Müller") == "Müller"
    assert displayable("a\udc81") == "a?"
    assert displayable("\ud800") == "\ud800"

from fs_sclimbic.group.name_matching import NameRule, find_names

ROWS = ["sub-01_ses-1", "sub-01_ses-2", "sub-02_ses-1"]


def test_the_same_name_goes_before_entities():
    sought = find_names(["sub-01", "sub-02"], ["sub-02", "sub-01", "sub-03"], NameRule(), "t.dat")
    assert dict(sought.found) == {"sub-01": "sub-01", "sub-02": "sub-02"}
    assert sought.notices == ()


def test_matches_by_entities_are_told():
    sought = find_names(["02"], ROWS, NameRule(), "t.dat")
    assert dict(sought.found) == {"02": "sub-02_ses-1"}
    assert sought.notices == ("1 name(s) were matched with those of t.dat by BIDS entities: 02 = sub-02_ses-1",)


def test_exact_takes_the_same_name_alone():
    sought = find_names(["02", "sub-01_ses-1"], ROWS, NameRule(match="exact"), "t.dat")
    assert dict(sought.found) == {"sub-01_ses-1": "sub-01_ses-1"}
    assert sought.problems == ()


def test_a_session_leaves_no_doubt():
    names = ["sub-01", "sub-02"]
    (problem,) = find_names(names, ROWS, NameRule(), "t.dat").problems
    assert problem == (
        "t.dat: 'sub-01' fits sub-01_ses-1 and sub-01_ses-2; choose one with --session, or name it in full"
    )
    assert dict(find_names(names, ROWS, NameRule(session="2"), "t.dat").found) == {"sub-01": "sub-01_ses-2"}


def test_rows_without_a_session_are_of_none():
    sought = find_names(["sub-01"], ["sub-01", "sub-02"], NameRule(session="1"), "t.dat")
    assert sought.found == {}
    assert sought.problems == ("t.dat: no name is of session 1; the names are sub-01, sub-02",)


def test_names_of_another_session_contradict():
    sought = find_names(["sub-01_ses-2"], ROWS, NameRule(session="1"), "t.dat")
    assert sought.problems == ("--session 1 contradicts 1 name(s) of another session: sub-01_ses-2",)

from fs_sclimbic.group.text_files import read_cells


def test_comments_leave_the_line_numbers(write):
    rows = read_cells(write("# x,y\nfsid age\n#sub-1 2\nsub-2 3\n"), comment="#")
    assert [(row.line, row.cells) for row in rows] == [(2, ("fsid", "age")), (4, ("sub-2", "3"))]

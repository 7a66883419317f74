from tests.fsgd_texts import warned


def test_more_than_the_original_has_room_for():
    names = [f"c{i}" for i in range(129)]
    text = "GroupDescriptorFile 1\n" + "".join(f"Class {name}\nInput s{name} {name}\n" for name in names)
    assert warned(text) == ["f: 129 classes; mri_glmfit has room for 128"]

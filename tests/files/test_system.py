import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone

import numpy as np

from fs_sclimbic.files.system import current_folder, now, peak_memory_kb, user_name, versions
from tests.conftest import ROOT


def test_time_is_utc_to_the_second():
    age = datetime.now(timezone.utc) - datetime.strptime(now(), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    assert timedelta(0) <= age < timedelta(minutes=1)


def test_the_user_is_named_as_the_environment_says(monkeypatch):
    monkeypatch.setenv("LOGNAME", "kermit")
    assert user_name() == "kermit"


def test_a_user_without_a_name(monkeypatch):
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)  # no such user, as in a container
    assert user_name() == "unknown"


def test_the_current_folder_and_a_removed_one(tmp_path):
    assert current_folder() == os.getcwd()
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); from fs_sclimbic.files.system import current_folder; "
        "os.rmdir(os.getcwd()); print(current_folder())"
    )
    (tmp_path / "gone").mkdir()
    found = subprocess.run(
        [sys.executable, "-c", code, str(ROOT)], cwd=tmp_path / "gone", capture_output=True, text=True, check=True
    )
    assert found.stdout == "unknown\n"


def test_versions_without_importing():
    assert versions(["numpy"]) == [f"numpy {np.__version__}"]
    assert versions(["no-such-package"]) == ["no-such-package absent"]


def test_peak_memory_is_that_of_a_python():
    assert 10_000 < peak_memory_kb() < 10**9

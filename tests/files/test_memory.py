"""How much memory is left, in machines, containers and batch jobs."""

from fs_sclimbic.files.memory import available_memory_mb

MB = 2**20


def write(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def machine(root, available_mb, groups="0::/job\n"):
    write(root, "proc/meminfo", f"MemTotal:  99999999 kB\nMemFree: 1 kB\nMemAvailable:   {available_mb * 1024} kB\n")
    write(root, "proc/self/cgroup", groups)


def test_of_a_machine(tmp_path):
    machine(tmp_path, 5000)
    assert available_memory_mb(tmp_path) == 5000


def test_a_job_has_what_its_limit_leaves_and_the_pages_of_files_come_back(tmp_path):
    machine(tmp_path, 5000)
    group = "sys/fs/cgroup/job"
    write(tmp_path, f"{group}/memory.max", f"{1000 * MB}\n")
    write(tmp_path, f"{group}/memory.current", f"{900 * MB}\n")
    write(tmp_path, f"{group}/memory.stat", f"anon {600 * MB}\ninactive_file {300 * MB}\n")
    assert available_memory_mb(tmp_path) == 400
    write(tmp_path, f"{group}/memory.max", "max\n")
    assert available_memory_mb(tmp_path) == 5000


def test_the_least_of_the_groups_above_counts_also_in_version_1(tmp_path):
    machine(tmp_path, 5000, "5:memory:/slurm/job/step\n4:cpu:/other\n")
    for folder, limit, used in (("slurm/job/step", 4000, 100), ("slurm/job", 1000, 200), ("", 2**43, 0)):
        place = f"sys/fs/cgroup/memory/{folder}"
        write(tmp_path, f"{place}/memory.limit_in_bytes", str(limit * MB))
        write(tmp_path, f"{place}/memory.usage_in_bytes", str(used * MB))
    assert available_memory_mb(tmp_path) == 800


def test_more_than_the_limit_is_taken(tmp_path):
    machine(tmp_path, 5000)
    write(tmp_path, "sys/fs/cgroup/job/memory.max", str(MB))
    write(tmp_path, "sys/fs/cgroup/job/memory.current", str(5 * MB))
    assert available_memory_mb(tmp_path) == 0


def test_other_systems_do_not_say(tmp_path):
    assert available_memory_mb(tmp_path) is None

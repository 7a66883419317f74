"""Compare what two runs have written, apart from times, hosts and command lines."""

import json
import re

RUN_LINE = re.compile(r"(# )?(CreationTime|cmdline|hostname|user) ")


def contents_of(folder):
    """The files of a folder by name, without the lines that tell when, where and how a run was started."""
    found = {}
    for path in sorted(folder.glob("*")):
        if path.suffix == ".json":
            record = json.loads(path.read_text().replace(str(folder), "FOLDER"))
            record["provenance"] = [line for line in record["provenance"] if not RUN_LINE.match(line)]
            record["files"] = {name: digest for name, digest in record["files"].items() if ".stats" not in name}
            del record["sha256"]  # of all of the record
            found[path.name] = record
        elif path.suffix == ".stats":
            lines = path.read_text().replace(str(folder), "FOLDER").splitlines()
            found[path.name] = [line for line in lines if not RUN_LINE.match(line)]
        elif path.suffix in (".mgz", ".gz", ".csv", ".ctab", ".xfm", ".lta"):
            found[path.name] = path.read_bytes()
    return found

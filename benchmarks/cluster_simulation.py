"""How long 100,000 scans take on 100 nodes, by simulation from measured figures.

    python benchmarks/cluster_simulation.py [--scans 100000] [--nodes 100] [--per-node 1] [--case-s 8] ...

Each way of giving the scans to the nodes is simulated event by event, several times with other random numbers; the
table has medians. Each number is a flag, with its default in `Cluster`: the time of a case is measured
(docs/cluster.md), those of a start and of a skipped case are mostly assumed. A lost node loses the case that it works
on, since results are written whole or not at all; its task is queued again and skips what is done.
"""

import argparse
import heapq
import random
import statistics
from dataclasses import dataclass, fields, replace

HOUR_S = 3600.0


@dataclass(frozen=True)
class Cluster:
    """What is measured, and what is assumed of a cluster. Times in seconds."""

    scans: int = 100_000
    nodes: int = 100
    per_node: int = 1
    """Tasks that run on a node at once, one processor each."""
    case_s: float = 8.0
    """Measured: a case on one thread (study preset, eTIV from the image)."""
    start_s: float = 5.0
    """Start of a task until its first case: 1 s measured on a local disk, the rest for files over a network."""
    skip_s: float = 0.015
    """Assumed: a case that is done already, ten times what it takes on a local disk."""
    spread: float = 0.25
    """Standard deviation of the logarithm of a case's time: images differ in size."""
    straggler_fraction: float = 0.02
    straggler_factor: float = 5.0
    """Cases that take longer, as when the network looks at the whole field of view, or the file system hangs."""
    node_spread: float = 0.15
    """The same of a node's speed."""
    slow_nodes: float = 0.03
    slow_factor: float = 3.0
    """Nodes that others use, or whose disk is sick."""
    lost_an_hour: float = 0.01
    """Chance that a node is lost, an hour."""
    noticed_s: float = 300.0
    """Until the batch system sees that a node is lost, and queues its tasks again."""
    back_s: float = 3600.0
    """Until a lost node is back."""
    limit_s: float = 2 * HOUR_S
    """Time limit of a task."""
    most_running: int = 1000
    """Tasks of one user that may run at once."""
    dispatch_s: float = 0.1
    """What the batch system takes to start a task, one after the other."""


@dataclass(frozen=True)
class Result:
    """One simulated run."""

    hours: float
    """From the start of the first task to the last result."""
    processor_hours: float
    lost_cases: int
    """Cases that were begun and lost with their node or at a time limit."""
    tasks: int
    """Tasks that the batch system started."""
    tail_hours: float
    """Between 99 % and 100 % of the results."""


def simulate(cluster: Cluster, parts: int | None, seed: int) -> Result:
    """Run all scans once.

    Parameters
    ----------
    cluster : Cluster
    parts : int or None
        Tasks of the array; None: workers that are given one case at a time, as Dask does.
    seed : int

    Returns
    -------
    Result
    """
    rng = random.Random(seed)
    times = [cluster.case_s * rng.lognormvariate(0, cluster.spread) for _ in range(cluster.scans)]
    times = [time * (cluster.straggler_factor if rng.random() < cluster.straggler_fraction else 1) for time in times]
    slowness = [
        rng.lognormvariate(0, cluster.node_spread) * (cluster.slow_factor if rng.random() < cluster.slow_nodes else 1)
        for _ in range(cluster.nodes)
    ]
    lost_at = [rng.expovariate(cluster.lost_an_hour / HOUR_S) for _ in range(cluster.nodes)]
    away_until = [0.0] * cluster.nodes
    slots = [node for node in range(cluster.nodes) for _ in range(cluster.per_node)][: cluster.most_running]
    is_dask = parts is None
    # Tasks by the time from which they may start: their cases, and how many of them were done before.
    queue: list[tuple[float, int, list[float], int]] = (
        [(0.0, number, [time], 0) for number, time in enumerate(times)]
        if parts is None
        else [(0.0, number, times[number::parts], 0) for number in range(parts)]
    )
    heapq.heapify(queue)
    free = [(0.0, number, node) for number, node in enumerate(slots)]
    heapq.heapify(free)
    started = set[int]()
    ends, lost, tasks, used, dispatched = list[float](), 0, 0, 0.0, 0.0
    while queue:
        now, slot, node = heapq.heappop(free)
        ready, number, cases, done = heapq.heappop(queue)
        if ready > now and free and free[0][0] < ready:  # the slot idles until a task may start
            heapq.heappush(queue, (ready, number, cases, done))
            heapq.heappush(free, (min(ready, free[0][0] + 1.0), slot, node))
            continue
        now = max(now, ready)
        if lost_at[node] <= now:  # it is away, or was
            back = lost_at[node] + cluster.back_s
            lost_at[node] = back + rng.expovariate(cluster.lost_an_hour / HOUR_S)
            away_until[node] = back
        if now < away_until[node]:
            started.discard(slot)
            heapq.heappush(queue, (ready, number, cases, done))
            heapq.heappush(free, (away_until[node], slot, node))
            continue
        begin = now
        if not is_dask or slot not in started:
            dispatched = max(dispatched + cluster.dispatch_s, now)
            now = dispatched + cluster.start_s * slowness[node]
            tasks += 1
            started.add(slot)
        now += done * cluster.skip_s
        last = min(lost_at[node], begin + cluster.limit_s) if not is_dask else lost_at[node]
        while done < len(cases):
            end = now + cases[done] * slowness[node]
            if end > last:
                lost += 1
                again = last + (cluster.noticed_s if last == lost_at[node] else 0.0)
                heapq.heappush(queue, (again if not is_dask else last + 30.0, number, cases, done))
                now = last
                break
            now, done = end, done + 1
            ends.append(now)
        used += now - begin
        heapq.heappush(free, (now, slot, node))
    ends.sort()
    nearly = ends[int(0.99 * len(ends)) - 1]
    return Result(ends[-1] / HOUR_S, used / HOUR_S, lost, tasks, (ends[-1] - nearly) / HOUR_S)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for field in fields(Cluster):
        kind = type(field.default)
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=field.default)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    cluster = Cluster(**{field.name: getattr(args, field.name) for field in fields(Cluster)})
    slots = min(cluster.nodes * cluster.per_node, cluster.most_running)
    work = cluster.scans * cluster.case_s / HOUR_S
    ways: list[tuple[str, Cluster, int | None]] = [
        (f"array of {parts:,} tasks, {cluster.scans // parts:,} scans each", cluster, parts)
        for parts in (slots, 4 * slots, 16 * slots, cluster.scans)
    ]
    ways.append((f"Dask, {slots:,} workers", cluster, None))
    sound = replace(cluster, lost_an_hour=1e-12, slow_nodes=0.0, straggler_fraction=0.0)
    ways.append((f"array of {4 * slots:,} tasks, no stragglers, no losses", sound, 4 * slots))
    harsh = replace(cluster, lost_an_hour=10 * cluster.lost_an_hour)
    ways.append((f"array of {4 * slots:,} tasks, ten times the losses", harsh, 4 * slots))
    print(f"{cluster.scans:,} scans, {cluster.nodes} nodes, {slots} at once; {work:.0f} h of work on one processor\n")
    print("| | hours | the last 1 % of scans, h | processor hours | cases lost and done again | tasks started |")
    print("|---|---|---|---|---|---|")
    for way, on, parts in ways:
        results = [simulate(on, parts, seed) for seed in range(args.rounds)]
        names = ("hours", "tail_hours", "processor_hours", "lost_cases", "tasks")
        hours, tail, used, lost, tasks = (
            statistics.median(getattr(result, name) for result in results) for name in names
        )
        print(f"| {way} | {hours:.2f} | {tail:.2f} | {used:.0f} | {lost:.0f} | {tasks:,.0f} |")


if __name__ == "__main__":
    main()

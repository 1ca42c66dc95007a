#!/usr/bin/env python3
"""The NAB time series as files, and back through the official Python SDK.

    nab.py split DATA_DIR TREE WANTED
        the lines of nab-real.lp.xz as TREE/<measurement>/<timeline>.lp, in their order and with
        their repeats, and as a mount must show them in WANTED: by time, of repeats the last
    nab.py check DATA_DIR TABLE
        read every timeline of TABLE and compare each value with the source file's

`check` finds the instance by OTS_CONFIG, as tests/conformance/service.py tells.
Both end with a line `N passed, N failed, N skipped`.
"""
import lzma
import multiprocessing
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../conformance"))
import lineproto
import service

LINES, TIMELINES, ROWS = 321206, 47, 321157


def timelines(data):
    """{series as text: its lines}, in the order of the file."""
    with lzma.open(os.path.join(data, "nab-real.lp.xz")) as file:
        series = {}
        for line in file:
            series.setdefault(line[:line.index(b" ")], []).append(line)
    return series


def last_wins(lines):
    """By time, of those with one time the last: what a table holds after all were put."""
    by_time = {int(line[line.rindex(b" "):]): line for line in lines}
    return [by_time[time] for time in sorted(by_time)]


def path_of(line):
    return lineproto.path(*lineproto.parse_line(line.rstrip(b"\n"))[0])


def write(path, lines):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.writelines(lines)


def split(data, tree, wanted):
    series = timelines(data)
    counts = (sum(map(len, series.values())), len(series),
              sum(len(last_wins(lines)) for lines in series.values()))
    for lines in series.values():
        write(os.path.join(tree, path_of(lines[0])), lines)
        write(os.path.join(wanted, path_of(lines[0])), last_wins(lines))
    is_good = counts == (LINES, TIMELINES, ROWS)
    print(f"{counts[0]} lines of {counts[1]} timelines make {counts[2]} rows")
    return (1, 0) if is_good else (0, 1)


def check_timeline(task):
    """The number of rows, and what differs first (None: nothing)."""
    table, lines = task
    (measurement, source, tags), _, _ = lineproto.parse_line(lines[0].rstrip(b"\n"))
    wanted = [lineproto.parse_line(line.rstrip(b"\n"))[1:] for line in last_wins(lines)]
    key = service.key(measurement, source, **tags)
    got = service.get_typed(service.client(), table, key)
    what = f"{measurement},{source}"
    for number, (one, other) in enumerate(zip(got, wanted)):
        if one != other:
            return len(got), f"{what} row {number}: {one}, wanted {other}"
    if len(got) != len(wanted):
        return len(got), f"{what}: {len(got)} rows, wanted {len(wanted)}"
    return len(got), None


def check(data, table):
    series = timelines(data)
    passed = failed = rows = 0
    with multiprocessing.Pool() as pool:
        tasks = [(table, lines) for lines in series.values()]
        for count, difference in pool.imap_unordered(check_timeline, tasks):
            rows += count
            passed += difference is None
            failed += difference is not None
            if difference is not None:
                print(f"FAIL {difference}")
    print(f"{rows} rows read through the SDK")
    passed, failed = (passed + 1, failed) if rows == ROWS else (passed, failed + 1)
    keys = service.query_keys(service.client(), table)
    return (passed + 1, failed) if len(keys) == TIMELINES else (passed, failed + 1)


def main():
    commands = {"split": split, "check": check}
    if len(sys.argv) < 4 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    passed, failed = commands[sys.argv[1]](*sys.argv[2:])
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Samples of Telegraf and of InfluxDB's documentation through a mount: samples.py DATA_DIR

Each file's lines are sorted into one file per timeline and copied into a table. The service's
rules for names refuse some lines, and of neighbours that are equal to the microsecond only the
first is taken. What is left out must fail the copy of its file, be told in the log and leave all
other lines in the table. OTS_CONFIG and OTS_MOUNT as tests/conformance/service.py tells;
the mount's log is OTS_MOUNT.log. Ends with a line `N passed, N failed, N skipped`.
"""
import lzma
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../conformance"))
import lineproto

# Sample files and the factor that makes their times nanoseconds.
SAMPLES = {
    "telegraf-samples": 1,
    "influx-docs-bay-area-weather": 1,
    "influx-docs-bitcoin": 1,
    "influx-docs-eu-wind-data": 10**9,
    "influx-docs-home-sensor-data": 10**9,
    "influx-docs-random-numbers": 1,
}
INT64_MAX = 2**63 - 1
LOGGED_MAX = 10  # lines of one file that the log names


def lines_of(data, name, factor):
    with lzma.open(os.path.join(data, name + ".lp.xz")) as file:
        for line in file.read().split(b"\n"):
            if line:
                head, _, time = line.rpartition(b" ")
                yield head + b" %d" % (int(time) * factor)


def is_storable(key, fields):
    """Whether the service takes a row of that key with these fields."""
    measurement, source, tags = key
    tags_text = 2 + sum(len(f'"{name}={value}",'.encode()) for name, value in tags.items()) - 1
    return (len(measurement.encode()) <= 128 and not re.search(r"[\s#]", measurement) and
            len(source.encode()) <= 256 and tags_text <= 512 and
            all(re.fullmatch(r"[!-~]+", name) for name in tags) and
            not any(re.search('[="]', text) for pair in tags.items() for text in pair) and
            all(re.fullmatch(r"[a-z_][a-z0-9_]{0,127}", name) for name in fields) and
            all(kind != "INTEGER" or value <= INT64_MAX for kind, value in fields.values()))


class Timeline:
    def __init__(self):
        self.lines = []
        self.rows = {}
        self.refused = []  # numbers of lines
        self.last_ns = None  # time of the last line that was taken

    def is_cut_onto_last(self, time_ns):
        """Whether only its digits below a microsecond tell it from the line before."""
        return (self.last_ns is not None and time_ns != self.last_ns and
                time_ns // 1000 == self.last_ns // 1000)

    def add(self, line, key, time_us, fields):
        self.lines.append(line + b"\n")
        time_ns = int(line.rpartition(b" ")[2])
        if is_storable(key, fields) and not self.is_cut_onto_last(time_ns):
            self.rows.setdefault(time_us, {}).update(fields)
            self.last_ns = time_ns
        else:
            self.refused.append(len(self.lines))


def sort_lines(lines):
    """{path: Timeline}; and the lines whose measurement or tags no file name stands for."""
    timelines, others = {}, []
    for line in lines:
        try:
            key, time_us, fields = lineproto.parse_line(line)
        except lineproto.BadLine as problem:
            others.append((line, problem))
            continue
        timelines.setdefault(lineproto.path(*key), Timeline()).add(line, key, time_us, fields)
    return timelines, others


def copy(table, path, lines):
    """Copy the lines as one file; whether cp was content, the directory's making included."""
    path = os.path.join(table, path)
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    except OSError:
        return False
    source = os.environ["OTS_MOUNT"] + ".sample"
    with open(source, "wb") as file:
        file.writelines(lines)
    done = subprocess.run(["cp", source, path], stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0


def shown(table, path):
    try:
        with open(os.path.join(table, path), "rb") as file:
            return {time_us: fields for _, time_us, fields in lineproto.parse_file(file.read())}
    except FileNotFoundError:
        return {}


def logged(table, path):
    """The numbers of the lines that the log says were left out of the file."""
    start = f"otsfs: {os.path.basename(table)}/{path}: line "
    with open(os.environ["OTS_MOUNT"] + ".log", encoding="utf-8") as file:
        return [int(line[len(start):].partition(":")[0]) for line in file if line.startswith(start)]


def check_sample(data, name, factor):
    table = os.path.join(os.environ["OTS_MOUNT"], name.replace("-", "_"))
    os.mkdir(table)
    timelines, others = sort_lines(lines_of(data, name, factor))
    failures = [f"{problem}" for _, problem in others]
    for path, timeline in timelines.items():
        is_content = copy(table, path, timeline.lines)
        if is_content != (not timeline.refused):
            failures.append(f"{path}: cp {'succeeded' if is_content else 'failed'}, "
                            f"{timeline.refused} are the lines to be refused")
        if os.path.isdir(os.path.join(table, os.path.dirname(path))) and (
                logged(table, path) != timeline.refused[:LOGGED_MAX]):
            failures.append(f"{path}: the log names {logged(table, path)} as left out, "
                            f"{timeline.refused} are")
    handle = os.open(table, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)
    for path, timeline in timelines.items():
        if shown(table, path) != timeline.rows:
            failures.append(f"{path}: {shown(table, path)}, wanted {timeline.rows}")
    lines = sum(len(timeline.lines) for timeline in timelines.values())
    refused = sum(len(timeline.refused) for timeline in timelines.values())
    rows = sum(len(timeline.rows) for timeline in timelines.values())
    print(f"{name}: {lines} lines of {len(timelines)} timelines, {refused} refused, {rows} rows")
    for failure in failures[:10]:
        print(f"FAIL {name}: {failure[:1000]}")
    return not failures


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    results = [check_sample(sys.argv[1], name, factor) for name, factor in SAMPLES.items()]
    print(f"{results.count(True)} passed, {results.count(False)} failed, 0 skipped")
    sys.exit(0 if all(results) else 1)


main()

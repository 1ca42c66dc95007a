"""What follow.sh does to tables and says of them, through the official SDK.

    write TABLE N              make a table of N timelines of ten rows each, in ten measurements
    change TABLE NAMES         ten timelines grow, one old value is corrected without changing its length,
                               three have late rows in their middle, two are new, and one is new with its
                               measurement; the 17 files' names go to NAMES, sorted
    compare TABLE OTHER TABLE2 both have the same timelines with the same rows; OTHER is the configuration
                               of the second instance
    stream TABLE LOG STOP      write until STOP is there; each put that was acknowledged goes to LOG
    windows LOG DIR...         the directories, one after another, have what the log says, nothing twice,
                               nothing else, and nothing is missing
    window LOG DIR             the one directory has the last version of each row of the log
    begin TABLE OTHER TABLE2   copy all timelines that `write` made
"""
import calendar
import json
import os
import random
import sys
import time

import lineproto
import service
from service import get_rows, identity, key, query_keys, row, typed, typed_fields

ROWS = 10
FIRST_US = 1682243400000000
PUT_ROWS_MAX = 200


def put(ots, table, rows):
    for first in range(0, len(rows), PUT_ROWS_MAX):
        answer = ots.put_timeseries_data(table, rows[first:first + PUT_ROWS_MAX])
        assert not answer.failedRows, answer.failedRows


def series_of(number):
    return key("m%d" % (number % 10), "host-%d" % number, az="abc"[number % 3], name="n %d" % number)


def plain_row(series, number, at):
    return row(series, FIRST_US + at * 1000000, n=number * 1000 + at, load=number / (at + 7),
               state="ok, %d" % at, up=at % 2 == 0)


def file_of(series):
    return lineproto.path(*identity(series)[:2], series.tags)


def write(table, count):
    ots = service.client()
    service.create_table(ots, table)
    put(ots, table, [plain_row(series_of(number), number, at)
                     for number in range(int(count)) for at in range(ROWS)])


def change(table, names):
    """Each run takes other timelines, as the names of those before tell."""
    ots = service.client()
    turn = sum(name[0].startswith("new-m") for name in query_keys(ots, table))
    numbers = iter(range(100 + 20 * turn, 120 + 20 * turn))
    changed, rows = [], []

    def touch(series, *new):
        changed.append(series)
        rows.extend(new)

    for _ in range(10):
        number = next(numbers)
        touch(series_of(number), *[plain_row(series_of(number), number, at) for at in (ROWS, ROWS + 1)])
    number = next(numbers)
    fields = dict(plain_row(series_of(number), number, 4).fields, state="no, 4")
    touch(series_of(number), row(series_of(number), FIRST_US + 4 * 1000000, **fields))
    for _ in range(3):
        series = series_of(next(numbers))
        touch(series, *[row(series, FIRST_US + 4500000 + more, late=True) for more in (0, 7)])
    for series in (key("m0", "new-%d" % turn), key("m1", "", new="%d a" % turn), key("new-m%d" % turn, "a")):
        touch(series, *[plain_row(series, 7, at) for at in range(3)])
    put(ots, table, rows)
    write_lines(names, sorted(file_of(series).encode() for series in changed))


def write_lines(path, lines):
    with open(path, "wb") as file:
        file.writelines(line + b"\n" for line in lines)


def keys_of(ots, table, least=0):
    return service.eventually(lambda: query_keys(ots, table), lambda keys: len(keys) >= least)


def typed_rows(ots, table, identified):
    measurement, source, tags = identified
    return [(got.time_in_us, typed_fields(got.fields))
            for got in get_rows(ots, table, key(measurement, source, **dict(tags)))]


def clients(other):
    with open(other, encoding="utf-8") as file:
        return service.client(), service.client(json.load(file)["datasources"][0])


def compare(table, other, second_table):
    first, second = clients(other)
    keys = keys_of(first, table)
    others = keys_of(second, second_table, len(keys))
    if keys != others:
        sys.exit(f"timelines differ: {set(keys) ^ set(others)}"[:500])
    for one in keys:
        if typed_rows(first, table, one) != typed_rows(second, second_table, one):
            sys.exit(f"{one}: {typed_rows(first, table, one)}\nbut there {typed_rows(second, second_table, one)}")
    print(len(keys), "timelines")


def begin(table, other, second_table):
    first, second = clients(other)
    service.create_table(second, second_table)
    for number in range(50):
        rows = [plain_row(series_of(number), number, at) for at in range(ROWS)]
        put(second, second_table, rows)


# --- windows -----------------------------------------------------------------------------------------


def record(one):
    """A row as a line of the log, and as a file's line is taken apart."""
    measurement, source, tags = identity(one.timeseries_key)
    return [measurement, source, sorted(map(list, tags)), one.time_in_us, one.fields]


def stream(table, log, stop):
    """Rows behind the last ones, old ones once more, late ones and new timelines, in puts of chance."""
    ots = service.client()
    chance = random.Random(1)
    with open(log, "w", encoding="utf-8") as file:
        turn = 0
        while not os.path.exists(stop):
            turn += 1
            rows = {}
            for _ in range(chance.randrange(1, 60)):
                number = chance.randrange(70)
                at = chance.choice([turn + ROWS, chance.randrange(ROWS), 1000000 + chance.randrange(100)])
                one = row(series_of(number), FIRST_US + at * 1000000,
                          **chance.choice([{"turn": turn}, {"turn": turn, "s": "x" * (turn % 9)}, {"b": True, "turn": turn}]))
                rows[number, at] = one
            began = time.time()
            put(ots, table, list(rows.values()))
            json.dump([began, time.time(), [record(one) for one in rows.values()]], file)
            file.write("\n")
            time.sleep(0.01 * chance.random())
    print(turn, "puts")


def load(log):
    """[(put began, acknowledged, {(key, time): fields with types})]"""
    with open(log, encoding="utf-8") as file:
        puts = [json.loads(line) for line in file]
    return [(began, ended, {((measurement, source, tuple(map(tuple, tags))), at): typed_json(fields)
                            for measurement, source, tags, at, fields in rows})
            for began, ended, rows in puts]


def typed_json(fields):
    return {name: typed(value) for name, value in fields.items()}


def read_window(directory):
    """{(key, time): fields}; a row that is there twice ends the program."""
    rows = {}
    newest = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                text = file.read()
            if not text or os.stat(path).st_size != len(text):
                sys.exit(f"{path}: size {os.stat(path).st_size}, read {len(text)}")
            times = []
            for (measurement, source, tags), at, fields in lineproto.parse_file(text):
                rows[(measurement, source, tuple(sorted(tags.items()))), at] = fields
                times.append(at)
            if times != sorted(set(times)):
                sys.exit(f"{path}: times are not ascending")
            newest = max(newest, os.stat(path).st_mtime)
    return rows, newest


def bounds(directory):
    """When the window begins and ends, from its name."""
    names = os.path.basename(directory).split("-")
    return [calendar.timegm(time.strptime(name, "%Y%m%d%H%M%SZ")) for name in names]


def versions_of(puts):
    """{(key, time): [(put began, acknowledged, fields)] in their order}"""
    versions = {}
    for began, ended, rows in puts:
        for place, fields in rows.items():
            versions.setdefault(place, []).append((began, ended, fields))
    return versions


def window(log, directory):
    """All that was written lies in it: of each row the last version."""
    wanted = {place: versions[-1][2] for place, versions in versions_of(load(log)).items()}
    got, _ = read_window(directory)
    bad = [place for place in wanted.keys() | got.keys() if wanted.get(place) != got.get(place)]
    if bad:
        sys.exit(f"{len(bad)} rows of {len(wanted)} differ, as {bad[0]}: {got.get(bad[0])}, "
                 f"wanted {wanted.get(bad[0])}")
    print(len(got), "rows")


def problem_of(versions, found, edges):
    """What is wrong with one row; found: what each window has of it, edges: when each begins and ends.

    A version was committed between its put's beginning and its acknowledgement. A window shows the last
    one in it, so where several may be in one the last must be at least the last that certainly is.
    """
    order = {json.dumps(fields, default=str, sort_keys=True): number for number, (_, _, fields) in enumerate(versions)}
    shown = []
    for fields in found:
        number = -1 if fields is None else order.get(json.dumps(fields, default=str, sort_keys=True))
        if number is None:
            return f"{fields} was not written"
        if number >= 0 and number in shown:
            return f"{fields} is there twice"
        shown.append(number)
    for number, (began, ended, fields) in enumerate(versions):
        places = [at for at, (begin_s, end_s) in enumerate(edges) if ended >= begin_s and began < end_s]
        if number in shown and shown.index(number) not in places:
            return f"{fields} is in a window that was not its own"
        if not any(shown[at] >= number for at in places):
            return f"{fields} is missing"
    return None


def windows(log, *directories):
    puts = load(log)
    edges = [bounds(directory) for directory in directories]
    got = []
    for directory, (begin_s, end_s) in zip(directories, edges):
        rows, newest = read_window(directory)
        got.append(rows)
        if rows and not begin_s <= newest < end_s:
            sys.exit(f"{directory}: the newest file changed at {newest}")
    versions = versions_of(puts)
    for place in versions.keys() | set().union(*got):
        problem = problem_of(versions.get(place, []), [rows.get(place) for rows in got], edges)
        if problem:
            sys.exit(f"{place}: {problem}")
    at_edges = sum(any(began < edge[0] <= ended for edge in edges) for began, ended, _ in puts)
    print(len(puts), "puts,", sum(map(len, got)), "rows in windows,", at_edges, "puts at an edge")


def main():
    commands = {one.__name__: one for one in (write, change, compare, stream, windows, window, begin)}
    if len(sys.argv) < 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()

"""Started by peers.sh: rows of every type and with hostile names go through the SDK into a table, as
text out of the mount, and into InfluxDB and VictoriaMetrics. InfluxDB is asked for all of them.

What is compared is what the text says after line protocol's own escapes: names with `"HH` and fields
with `@b64` are ordinary names and strings to other readers.
"""
import json
import os
import random
import re
import sys
import unittest
import urllib.parse
import urllib.request

import lineproto
import service
from service import key, row
from test_data import VALUES
from test_mount import KEYS, file_of, files_below, read

TABLE = "peers"
INFLUX, VICTORIA = os.environ["PEERS_INFLUX"], os.environ["PEERS_VICTORIA"]
BASE_US = 1682243400000000
RANDOM_ROWS = 4000
# A field has one type in InfluxDB. VictoriaMetrics breaks lines over 256 KiB.
TEXTS = ["", " ", ",", "=", "\\", "\"", "#", "@", "\n", "\r", "\t", "\0", "\x7f", "é", "杭州", "😀",
         "\\n", "\\\\", "\\\"", "a", "time", "x=1i", "'", "%"]


def call(url, body=None):
    with urllib.request.urlopen(urllib.request.Request(url, data=body)) as answer:
        return answer.status, answer.read()


def hostile_text(chance, pieces):
    return "".join(chance.choice(TEXTS) for _ in range(chance.randrange(pieces + 1)))


def hostile_real(chance):
    return chance.choice([
        lambda: chance.uniform(-1, 1), lambda: float(chance.randrange(-10**6, 10**6)) / 100,
        lambda: service.real("%016x" % chance.getrandbits(64)), lambda: -0.0])()


def hostile_row(chance, number):
    tags = {name: hostile_text(chance, 6).replace('"', "").replace("=", "")
            for name in ("a", "time", "_field", "c\\d", "e") if chance.random() < 0.5}
    series = key("random/%d" % (number % 7), hostile_text(chance, 3), **tags)
    fields = {"i": chance.randrange(-2**63, 2**63), "b": chance.random() < 0.5,
              "d": hostile_real(chance), "s": hostile_text(chance, 12), "time": number,
              "x": bytearray(chance.randbytes(number % 9))}
    kept = {name: value for name, value in fields.items() if chance.random() < 0.6}
    return row(series, BASE_US + number, **(kept or {"i": 1}))


def make_rows():
    chance = random.Random(1)
    rows = [row(series, BASE_US + at, **{name: value})
            for series in KEYS for at, (name, value) in enumerate(VALUES.items())]
    rows += [row(series, BASE_US - 10, **VALUES) for series in KEYS]
    # One put holds no row twice, and the SDK cannot read what it wrote of some tags.
    return rows + [hostile_row(chance, number) for number in range(RANDOM_ROWS)]


def raw_line(line):
    """The series, time in nanoseconds and fields, as line protocol has them."""
    measurement, at = lineproto.take_name(line, 0, b", ", b", ")
    tags, fields = {}, {}
    while line[at:at + 1] == b",":
        name, at = lineproto.take_name(line, at + 1, b"=")
        value, at = lineproto.take_name(line, at + 1, b", ")
        tags[name.decode()] = value.decode()
    while line[at:at + 1] in (b" ", b",") and (not fields or line[at:at + 1] == b","):
        name, at = lineproto.take_name(line, at + 1, b"=")
        text, at = lineproto.take_value(line, at + 1)
        fields[name.decode()] = lineproto.plain_value(text)
    return (measurement.decode(), tuple(sorted(tags.items()))), int(line[at + 1:]), fields


def is_same(got, wanted):
    if isinstance(wanted, float) and not isinstance(wanted, bool):
        # An answer writes -0 as 0, and whole numbers without a point.
        return isinstance(got, (int, float)) and float(got) == wanted
    return type(got) is type(wanted) and got == wanted


class Peers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        ots = service.client()
        service.create_table(ots, TABLE)
        rows = make_rows()
        for first in range(0, len(rows), 200):
            ots.put_timeseries_data(TABLE, rows[first:first + 200])
        cls.row_count = len(rows)
        root = os.path.join(service.mount(), TABLE)
        service.eventually(lambda: len(files_below(root)),
                           lambda n: n >= len({file_of(one.timeseries_key) for one in rows}))
        cls.text = b"".join(read(os.path.join(root, path)) for path in files_below(root))
        cls.lines = cls.text.split(b"\n")[:-1]

    def pieces(self):
        """The text in pieces that end in LF, below what a server takes at once."""
        piece = bytearray()
        for line in self.lines:
            piece += line + b"\n"
            if len(piece) > 4000000:
                yield bytes(piece)
                piece.clear()
        if piece:
            yield bytes(piece)

    def test_all_rows_are_there(self):
        self.assertEqual(len(self.lines), self.row_count)

    def test_influxdb_takes_and_returns_them(self):
        call(INFLUX + "/query", b"q=CREATE+DATABASE+peers")
        for piece in self.pieces():
            self.assertEqual(call(INFLUX + "/write?db=peers", piece)[0], 204)
        wanted = {}
        for line in self.lines:
            series, time_ns, fields = raw_line(line)
            wanted.setdefault(series, {})[time_ns] = fields
        got = self.ask_influxdb()
        self.assertEqual(set(got), set(wanted))
        for series, rows in wanted.items():
            self.assertEqual(sorted(got[series]), sorted(rows), series)
            for time_ns, fields in rows.items():
                self.compare(series, got[series][time_ns], fields)

    def compare(self, series, got, wanted):
        self.assertEqual(set(got), set(wanted), series)
        for name, value in wanted.items():
            self.assertTrue(is_same(got[name], value),
                            f"{series} {name}: {got[name]!r}, wanted {value!r}")

    @staticmethod
    def ask_influxdb():
        query = urllib.parse.urlencode({"db": "peers", "epoch": "ns",
                                        "q": "SELECT * FROM /.*/ GROUP BY *"})
        series = {}
        for one in json.loads(call(INFLUX + "/query?" + query)[1])["results"][0]["series"]:
            tags = {name: value for name, value in one.get("tags", {}).items() if value != ""}
            rows = series.setdefault((one["name"], tuple(sorted(tags.items()))), {})
            for values in one["values"]:
                fields = dict(zip(one["columns"], values))
                time_ns = fields.pop("time")
                rows[time_ns] = {name: value for name, value in fields.items()
                                 if value is not None}
        return series

    def test_influxdb_knows_their_types(self):
        call(INFLUX + "/query", b"q=CREATE+DATABASE+types")
        names = {int: "integer", float: "float", bool: "boolean", str: "string"}
        lines = [line for line in self.lines if line.startswith(b"cpu ")]
        self.assertTrue(lines)
        call(INFLUX + "/write?db=types", b"\n".join(lines))
        wanted = {name: names[type(value)] for line in lines
                  for name, value in raw_line(line)[2].items()}
        query = urllib.parse.urlencode({"db": "types", "q": "SHOW FIELD KEYS"})
        answer = json.loads(call(INFLUX + "/query?" + query)[1])["results"][0]["series"][0]
        self.assertEqual(dict(answer["values"]), wanted)

    def victoria_rows(self, kind):
        text = call(VICTORIA + "/metrics")[1].decode()
        return sum(int(count) for count in re.findall(
            r'^vm_rows_%s_total\{[^}]*type="influx"[^}]*\} ([0-9]+)$' % kind, text, flags=re.M))

    def test_victoriametrics_takes_them(self):
        numbers = 0
        for piece in self.pieces():
            self.assertEqual(call(VICTORIA + "/write", piece)[0], 204)
        for line in self.lines:
            numbers += len(raw_line(line)[2])
        self.assertEqual(self.victoria_rows("invalid"), 0)
        self.assertEqual(service.eventually(lambda: self.victoria_rows("inserted"),
                                            lambda count: count >= numbers), numbers)


if __name__ == "__main__":
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(
        unittest.defaultTestLoader.loadTestsFromTestCase(Peers))
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad} passed, {bad} failed, {len(result.skipped)} skipped")
    sys.exit(bool(bad))

"""The mount beside the SDK: what one wrote the other reads, bit for bit.

The SDK's reader fails on tag values that are empty or hold a comma; such values only go from the
SDK to the mount.
"""
import errno
import os
import shutil
import subprocess
import tempfile
import unittest

from tablestore import TimeseriesMeta, UpdateTimeseriesMetaRequest

import lineproto
import service
from service import get_rows, get_typed, identity, key, real, row, typed, typed_fields
from test_data import VALUES

READS, WRITES, COPY = "mount_reads", "mount_writes", "mount_copy"

KEYS = [
    key("cpu"),
    key("cpu", "web-1", az="b", region="hz"),
    key("cpu", "", az="b"),
    key("m/e/a%s=u,r\\e", "a/b, c", **{"path.x/y": "/var/lib"}),
    key(".hidden", "", **{".dot": ".value"}),
    key("_%"),
    key("温度", "数据源 一", city="上海 浦东"),
    key("reserved", "source", time="t", _field="f", _measurement="m", _data_source="mine"),
    key("hostile", "end\\", a="back\\", b="\\", c="\\,x", d="lf\ncr\rtab\tnul\0esc\x1b",
        e=" spaces ", f="a,b", g="", h="%2F%~"),
    key("long", "s" * 256, **{"k" * 100: "v" * 407}),
    key("long", "温" * 85, k="度" * 160),
    key("long/" * 25, "/" * 256, k="/" * 500),
]


def read(path):
    with open(path, "rb") as file:
        return file.read()


def sync(directory):
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def files_below(directory):
    """Paths of the files, in the order in which they are listed."""
    return [os.path.relpath(os.path.join(folder, name), directory)
            for folder, folders, names in os.walk(directory) for name in names]


def file_of(series):
    return lineproto.path(*identity(series)[:2], series.tags)


def rows_of(text):
    """A file's rows as (key, time, fields), keys as identity() gives them."""
    return [((measurement, source, tuple(sorted(tags.items()))), time_us, fields)
            for (measurement, source, tags), time_us, fields in lineproto.parse_file(text)]


class SdkToMount(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ots = service.client()
        service.create_table(cls.ots, READS)
        cls.root = os.path.join(service.mount(), READS)
        cls.rows = {}
        for series in KEYS:
            cls.rows[file_of(series)] = [row(series, 10, n=-1, **VALUES), row(series, 20, x=1.5)]
        cls.rows["types/_.lp"] = [row(key("types"), at, **{name: value})
                                  for at, (name, value) in enumerate(VALUES.items())]
        cls.rows["times/_.lp"] = [row(key("times"), at, time=at, time_2=True) for at in (
            0, 1, 999, 2**53 + 1, 9223372036854775, 9223372036854776, 2**63 - 2)]
        cls.rows["pages/_.lp"] = [row(key("pages"), at, n=at) for at in range(5200)]
        for rows in cls.rows.values():
            for first in range(0, len(rows), 200):
                cls.ots.put_timeseries_data(READS, rows[first:first + 200])
        service.eventually(lambda: len(files_below(cls.root)), lambda n: n == len(cls.rows))

    @classmethod
    def tearDownClass(cls):
        cls.ots.delete_timeseries_table(READS)

    def test_file_names(self):
        self.assertEqual(sorted(files_below(self.root)), sorted(self.rows))

    def test_listings_are_sorted(self):
        for folder, folders, names in os.walk(os.fsencode(self.root)):
            listed = [entry.name for entry in os.scandir(folder)]
            self.assertEqual(listed, sorted(listed))

    def test_every_value(self):
        for path, rows in self.rows.items():
            with self.subTest(path):
                wanted = [(identity(one.timeseries_key), one.time_in_us, typed_fields(one.fields))
                          for one in rows]
                self.assertEqual(rows_of(read(os.path.join(self.root, path))), wanted)

    def test_sizes(self):
        for path in self.rows:
            with self.subTest(path):
                known = os.stat(os.path.join(self.root, path))
                text = read(os.path.join(self.root, path))
                self.assertGreater(len(text), 0)
                self.assertEqual(known.st_size, len(text))
                self.assertEqual(known.st_blocks, (len(text) + 511) // 512)

    def test_a_later_put_shows(self):
        series = key("later", "s")
        path = os.path.join(self.root, file_of(series))
        self.rows.setdefault(file_of(series), [])
        for rows in ([row(series, 1, a=1, b="two")], [row(series, 1, c=3.0)],
                     [row(series, 0, a=0), row(series, 2, a=2)]):
            self.ots.put_timeseries_data(READS, rows)
            wanted = [(identity(series), got.time_in_us, typed_fields(got.fields))
                      for got in get_rows(self.ots, READS, series)]
            self.assertEqual(service.eventually(
                lambda: os.path.exists(path) and rows_of(read(path)), lambda got: got == wanted),
                wanted)
            self.assertEqual(os.stat(path).st_size, len(read(path)))
        self.rows[file_of(series)] = get_rows(self.ots, READS, series)

    def test_tables_come_and_go(self):
        path = os.path.join(service.mount(), "comes_and_goes")
        service.create_table(self.ots, "comes_and_goes")
        self.assertTrue(service.eventually(lambda: os.path.isdir(path)))
        self.assertEqual(os.listdir(path), [])
        self.ots.delete_timeseries_table("comes_and_goes")
        self.assertTrue(service.eventually(lambda: not os.path.exists(path)))


INT_MIN, INT_MAX = -2**63, 2**63 - 1
# A line of a timeline and what it must become: time in microseconds and fields.
LINES = [
    (rb'x=1i 1000', 1, {"x": 1}),
    (rb'min=-9223372036854775808i,max=9223372036854775807i 2000', 2,
     {"min": INT_MIN, "max": INT_MAX}),
    (rb'u=5u,largest=9223372036854775807u 3000', 3, {"u": 5, "largest": INT_MAX}),
    (rb'a=0.5,b=-0,c=1e22,d=5e-324,e=1.7976931348623157e308,f=2.5E-3 4000', 4,
     {"a": 0.5, "b": -0.0, "c": 1e22, "d": real("0000000000000001"),
      "e": real("7fefffffffffffff"), "f": 0.0025}),
    (rb'a=0.30000000000000004,b=2.2250738585072011e-308,c=9007199254740993 5000', 5,
     {"a": 0.30000000000000004, "b": real("000fffffffffffff"), "c": 9007199254740992.0}),
    (rb'a=t,b=T,c=true,d=True,e=TRUE,f=f,g=F,h=false,i=False,j=FALSE 6000', 6,
     dict(zip("abcdefghij", [True] * 5 + [False] * 5))),
    (rb's="",t="a, b=c",u="\"q\" \\ b\x" 7000', 7,
     {"s": "", "t": "a, b=c", "u": '"q" \\ b\\x'}),
    ('s="温度 \U0001f600" 8000'.encode(), 8, {"s": "温度 \U0001f600"}),
    (b's="tab\there" 9000', 9, {"s": "tab\there"}),
    (rb's@str="lf\\ncr\\rnul\\x00del\\x7Fback\\\\" 10000', 10,
     {"s": "lf\ncr\rnul\0del\x7fback\\"}),
    (b's="two\nlines" 11000', 11, {"s": "two\nlines"}),
    (rb'b@b64="AAH//g==",e@b64="" 12000', 12,
     {"b": bytearray(b"\x00\x01\xff\xfe"), "e": bytearray()}),
    (rb'a@f64="NaN",b@f64="+Inf",c@f64="-Inf",d@f64="nan:fff0000000000001" 13000', 13,
     {"a": real("7ff8000000000000"), "b": float("inf"), "c": float("-inf"),
      "d": real("fff0000000000001")}),
    (rb'a@f64="nan:7ff8dead0000beef",time@=5i,timer=6i 14000', 14,
     {"a": real("7ff8dead0000beef"), "time": 5, "timer": 6}),
    (rb'time@b64="AA==",x=1i 15000', 15, {"time": bytearray(b"\0"), "x": 1}),
    (rb'x=1i 9223372036854775000', 9223372036854775, {"x": 1}),
    (rb'x=2i 9223372036854775806000', 2**63 - 2, {"x": 2}),
]
# How a line may name its timeline, and the timeline.
NAMES = [
    (rb'cpu', key("cpu")),
    (rb'cpu,_data_source=web-1,az=b,region=hz', key("cpu", "web-1", az="b", region="hz")),
    (rb'cpu,region=hz,az=b', key("cpu", "", az="b", region="hz")),
    (rb'm\,a=b,path=/var/lib\ x', key("m,a=b", "", path="/var/lib x")),
    ('温度,_data_source=数据源\\ 一,city=上海'.encode(), key("温度", "数据源 一", city="上海")),
    (rb'reserved,"74ime=t,"5Fdata_source=mine,"5Ffield=f,_data_source=s',
     key("reserved", "s", time="t", _data_source="mine", _field="f")),
    (rb'hostile,a=back"5C,b="0A"0D"00"7F,c=\ x\ ,d=.,e=%2F',
     key("hostile", "", a="back\\", b="\n\r\0\x7f", c=" x ", d=".", e="%2F")),
    (b'long,_data_source=' + b"/" * 256 + b",k=" + b"v" * 500,
     key("long", "/" * 256, k="v" * 500)),
]


class MountToSdk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ots = service.client()
        cls.root = os.path.join(service.mount(), WRITES)
        os.mkdir(cls.root)
        cls.source = tempfile.mkdtemp(dir=os.path.dirname(service.mount()))
        for name, series in NAMES:
            path = os.path.join(cls.source, file_of(series))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.writelines(name + b" " + line + b"\n" for line, _, _ in LINES)
        subprocess.run(["cp", "-rT", cls.source, cls.root], check=True)
        sync(cls.root)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.source)
        cls.ots.delete_timeseries_table(WRITES)

    def write(self, path, text, mode="wb"):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, mode) as file:
            file.write(text)
        return path

    def test_mkdir_makes_a_table(self):
        meta = self.ots.describe_timeseries_table(WRITES).table_meta
        self.assertEqual(meta.timeseries_table_options.time_to_live, -1)
        with self.assertRaises(FileExistsError):
            os.mkdir(self.root)
        for name in ("1st", "with-dash", "t" * 129):
            with self.subTest(name), self.assertRaises(OSError) as caught:
                os.mkdir(os.path.join(service.mount(), name))
            self.assertEqual(caught.exception.errno, errno.EINVAL)

    def test_every_line(self):
        wanted = [(time_us, typed_fields(fields)) for _, time_us, fields in LINES]
        for _, series in NAMES:
            with self.subTest(identity(series)):
                self.assertEqual(get_typed(self.ots, WRITES, series), wanted)

    def test_every_timeline(self):
        wanted = {identity(series) for _, series in NAMES}
        found = {identity(meta.timeseries_key)
                 for meta in service.query_page(self.ots, WRITES).timeseriesMetas}
        self.assertLessEqual(wanted, found)

    def test_what_was_written_reads_the_same(self):
        for _, series in NAMES:
            with self.subTest(identity(series)):
                path = os.path.join(self.root, file_of(series))
                size = os.stat(path).st_size
                text = read(path)
                self.assertEqual(size, len(text))
                self.assertEqual(rows_of(text), [(identity(series), time_us, typed_fields(fields))
                                                 for _, time_us, fields in LINES])

    def test_later_line_wins_and_lines_need_no_order(self):
        path = self.write("order/_.lp", b"order x=3i 3000\norder x=1i 1000\norder x=2i,y=t 2000\n"
                                        b"order x=9i 1000\n")
        with open(path, "ab") as file:
            file.write(b"order z=5i 2000\norder x=4i 4000\n")
        sync(self.root)
        self.assertEqual(get_typed(self.ots, WRITES, key("order")), [
            (1, {"x": typed(9)}), (2, {"z": typed(5)}), (3, {"x": typed(3)}),
            (4, {"x": typed(4)})])
        self.assertEqual(read(path), b"order x=9i 1000\norder z=5i 2000\norder x=3i 3000\n"
                                     b"order x=4i 4000\n")

    def test_bad_lines_fail_close_and_the_others_are_stored(self):
        path = os.path.join(self.root, "bad/_.lp")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        bad = [b"bad X=1i 2000", b"bad x=18446744073709551615u 3000", b"bad x=1i -4000",
               b"bad x=1i", b"bad x= 5000", b"other x=1i 6000", b"bad,t=v x=1i 7000",
               b"bad x@kind=\"\" 8000", b"bad x=NaN 9000", b"bad 1x=1i 10000"]
        for number, line in enumerate(bad):
            with self.subTest(line):
                handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
                os.write(handle, b"bad x=%di 1000\n%s\nbad x=%di 1001000\n" %
                         (number, line, number))
                with self.assertRaises(OSError) as caught:
                    os.close(handle)
                self.assertEqual(caught.exception.errno, errno.EINVAL)
                sync(self.root)
                self.assertEqual(get_typed(self.ots, WRITES, key("bad")), [
                    (1, {"x": typed(number)}), (1001, {"x": typed(number)})])

    def test_thousands_of_rows(self):
        text = "".join(f"many,_data_source=s n={at}i,x={at / 7!r} {at}000\n"
                       for at in range(1, 12001))
        path = self.write("many/_data_source=s.lp", text.encode())
        sync(self.root)
        self.assertEqual(get_typed(self.ots, WRITES, key("many", "s")), [
            (at, {"n": typed(at), "x": typed(at / 7)}) for at in range(1, 12001)])
        self.assertEqual(os.stat(path).st_size, len(read(path)))


def each_file(command):
    """A copy of a table by a shell command for each file, "$1" being the source and "$2" the target."""
    script = ('cd "$1" && find . -type f -name "*.lp" | while IFS= read -r file; do '
              'mkdir -p "$2/${file%/*}" && one "$1/$file" "$2/$file" || exit; done')
    return ["sh", "-c", "set -e; one() { %s; }; %s" % (command, script), "copy"]


# Ways to copy a table; source and target are appended. The target is there.
TOOLS = {
    "cp -r": ["cp", "-rT"],
    "cp -a": ["cp", "-aT"],
    "rsync -aX": ["sh", "-c", 'rsync -aX "$1/" "$2/"', "rsync"],
    "rsync -a": ["sh", "-c", 'rsync -a "$1/" "$2/"', "rsync"],
    "rsync --inplace": ["sh", "-c", 'rsync -a --inplace "$1/" "$2/"', "rsync"],
    "tar": ["sh", "-c", 'tar -C "$1" -cf - . | tar -C "$2" --overwrite -xf -', "tar"],
    "dd": each_file('dd if="$1" of="$2" bs=1000 conv=fsync status=none'),
    "append": each_file('cat -- "$1" >>"$2"'),
    "mv": each_file('cp -- "$1" "$2.new" && mv -f -- "$2.new" "$2"'),
    "sort": each_file('sort -o "$2" -- "$1"'),
}
# Those that carry extended attributes.
ATTRIBUTE_TOOLS = ("cp -a", "rsync -aX")
ATTRIBUTES = {"owner": "me", "room.x/y": "温 度"}


class CopiedTable(unittest.TestCase):
    """A table with every value and hostile names, copied by tools; the copies are read through the SDK."""

    ORIGINAL = "mount_original"

    @classmethod
    def setUpClass(cls):
        cls.ots = service.client()
        service.create_table(cls.ots, cls.ORIGINAL)
        cls.addClassCleanup(cls.ots.delete_timeseries_table, cls.ORIGINAL)
        for series in KEYS:
            cls.ots.put_timeseries_data(cls.ORIGINAL, [
                row(series, 1, **VALUES), row(series, 2, time=1)])
        cls.ots.update_timeseries_meta(UpdateTimeseriesMetaRequest(cls.ORIGINAL, [
            TimeseriesMeta(series, ATTRIBUTES) for series in KEYS]))
        cls.original = os.path.join(service.mount(), cls.ORIGINAL)
        service.eventually(lambda: len(files_below(cls.original)), lambda n: n == len(KEYS))

    def check_copy(self, copy):
        sync(copy)
        subprocess.run(["diff", "-r", self.original, copy], check=True)
        for series in KEYS:
            # The SDK's reader fails on these.
            if series.measurement_name == "hostile":
                continue
            with self.subTest(identity(series)):
                self.assertEqual(get_typed(self.ots, os.path.basename(copy), series), [
                    (1, typed_fields(VALUES)), (2, {"time": typed(1)})])

    def check_attributes(self, table):
        metas = service.query_page(self.ots, table).timeseriesMetas
        self.assertEqual({identity(meta.timeseries_key): meta.attributes for meta in metas},
                         {identity(series): ATTRIBUTES for series in KEYS})

    def test_tools(self):
        for name, command in TOOLS.items():
            with self.subTest(name):
                table = COPY + "_" + "".join(filter(str.isalnum, name))
                copy = os.path.join(service.mount(), table)
                os.mkdir(copy)
                self.addCleanup(self.ots.delete_timeseries_table, table)
                # The second run changes nothing.
                for _ in range(2):
                    ran = subprocess.run(command + [self.original, copy], stderr=subprocess.PIPE)
                    self.assertEqual(ran.returncode, 0, ran.stderr)
                    self.check_copy(copy)
                if name in ATTRIBUTE_TOOLS:
                    self.check_attributes(table)

"""Rows through the SDK: every type bit for bit, ranges, pages, direction, fields."""
import concurrent.futures
import time
import unittest

import service
from service import get_page, get_rows, key, real, row, typed_fields

TABLE = "data"
SMALLEST_DENORMAL, LARGEST_DENORMAL = "0000000000000001", "000fffffffffffff"

VALUES = {
    "integer_zero": 0,
    "integer_min": -2**63,
    "integer_max": 2**63 - 1,
    "integer_minus_one": -1,
    "boolean_true": True,
    "boolean_false": False,
    "double_half": 0.5,
    "double_zero": 0.0,
    "double_minus_zero": -0.0,
    "double_tenth": 0.1,
    "double_seventeen_digits": 0.30000000000000004,
    "double_smallest_denormal": real(SMALLEST_DENORMAL),
    "double_largest_denormal": real(LARGEST_DENORMAL),
    "double_smallest": real("0010000000000000"),
    "double_largest": real("7fefffffffffffff"),
    "double_infinity": float("inf"),
    "double_minus_infinity": float("-inf"),
    "double_nan": real("7ff8000000000000"),
    "double_nan_minus": real("fff8000000000000"),
    "double_nan_payload": real("7ff8dead0000beef"),
    "string_empty": "",
    "string_ascii": "plain text",
    "string_unicode": "温度 — Ünïcödé \U0001f600 \U0010ffff",
    "string_quotes": "a \"quoted\" \\ back\\slash, comma = equals # hash @ at",
    "string_controls": "tab\t lf\n cr\r nul\0 esc\x1b del\x7f",
    "string_every_ascii": "".join(map(chr, range(128))),
    "string_long": "long " * 20000,
    "binary_empty": bytearray(),
    "binary_every_byte": bytearray(range(256)),
    "binary_not_utf8": bytearray(b"\xff\xfe\x00\xc3("),
    "binary_long": bytearray(b"\x00\x80\xff" * 4000),
}


class Data(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ots = service.client()
        service.create_table(cls.ots, TABLE)

    @classmethod
    def tearDownClass(cls):
        cls.ots.delete_timeseries_table(TABLE)

    def put(self, *rows, table=TABLE):
        self.ots.put_timeseries_data(table, list(rows))

    def times(self, series, *range_us, **options):
        return [got.time_in_us for got in get_rows(self.ots, TABLE, series, *range_us, **options)]

    def test_every_value_alone(self):
        for at, (name, value) in enumerate(VALUES.items()):
            with self.subTest(name):
                self.put(row(key("alone"), at, x=value))
                rows, token = get_page(self.ots, TABLE, key("alone"), at, at + 1)
                self.assertIsNone(token)
                self.assertEqual(len(rows), 1)
                self.assertEqual(typed_fields(rows[0].fields), {"x": service.typed(value)})

    def test_every_value_in_one_row(self):
        series = key("together", "source", a="1", b="2")
        self.put(row(series, 1700000000000000, **VALUES))
        rows = get_rows(self.ots, TABLE, series)
        self.assertEqual([service.identity(got.timeseries_key) for got in rows],
                         [service.identity(series)])
        self.assertEqual(rows[0].time_in_us, 1700000000000000)
        self.assertEqual(typed_fields(rows[0].fields), typed_fields(VALUES))

    def test_types_of_one_field_may_differ(self):
        values = [7, 7.0, True, "7", bytearray(b"7")]
        self.put(*(row(key("mixed"), at, x=value) for at, value in enumerate(values)))
        self.assertEqual([got.fields["x"] for got in get_rows(self.ots, TABLE, key("mixed"))],
                         values)
        self.assertEqual([type(got.fields["x"]) for got in get_rows(self.ots, TABLE, key("mixed"))],
                         [int, float, bool, str, bytearray])

    def test_every_key(self):
        keys = [
            key("k"),
            key("k", "host_1"),
            key("k", "host_1", os="linux"),
            key("k", "", os="linux"),
            key("k", "host_1", os="linux", region="hangzhou"),
            key("k", "host_2", os="linux"),
            key("K"),
            key("温度", "数据源 1", city="上海 浦东"),
            key("_@?%$A/\\", "with space, comma", **{"a.b/c-d": "tab\tlf\nvalue"}),
            key("m" * 128, "s" * 256),
            key("tags", "", **{"k" * 100: "v" * 407}),  # 512 bytes as text
        ]
        for number, series in enumerate(keys):
            self.put(row(series, 1, number=number))
        for number, series in enumerate(keys):
            with self.subTest(service.identity(series)):
                rows = get_rows(self.ots, TABLE, series)
                self.assertEqual([got.fields for got in rows], [{"number": number}])
                self.assertEqual(service.identity(rows[0].timeseries_key),
                                 service.identity(series))

    def test_range_includes_begin_and_excludes_end(self):
        series = key("range")
        self.put(*(row(series, at, x=at) for at in range(10, 60, 10)))
        for begin, end, wanted in ((20, 40, [20, 30]), (21, 41, [30, 40]), (0, 10, []),
                                   (10, 11, [10]), (50, 51, [50]), (51, 2**63 - 1, []),
                                   (0, 1700000000000000000, [10, 20, 30, 40, 50])):
            with self.subTest(range=(begin, end)):
                self.assertEqual(self.times(series, begin, end), wanted)

    def test_extreme_times(self):
        series = key("extreme")
        times = [0, 1, 2**53 + 1, 9223372036854775, 9223372036854776, 2**63 - 2]
        self.put(*(row(series, at, x=1) for at in reversed(times)))
        self.assertEqual(self.times(series), times)

    def test_limit_and_token(self):
        series = key("pages")
        self.put(*(row(series, at, x=at) for at in range(19)))
        first, token = get_page(self.ots, TABLE, series, limit=10)
        self.assertEqual([got.time_in_us for got in first], list(range(10)))
        self.assertTrue(token)
        second, end = get_page(self.ots, TABLE, series, limit=10, nextToken=token)
        self.assertEqual([got.time_in_us for got in second], list(range(10, 19)))
        self.assertIsNone(end)
        # A token may be used again, and the limit may change.
        again, token = get_page(self.ots, TABLE, series, limit=3, nextToken=token)
        self.assertEqual([got.time_in_us for got in again], [10, 11, 12])
        self.assertTrue(token)

    def test_no_token_behind_the_last_row(self):
        series = key("exact")
        self.put(*(row(series, at, x=at) for at in range(10)))
        for limit in (1, 2, 5, 10, 11):
            with self.subTest(limit=limit):
                self.assertEqual(self.times(series, limit=limit), list(range(10)))

    def test_a_page_has_5000_rows_at_most(self):
        series = key("long")
        for first in range(0, 5200, 200):
            self.put(*(row(series, at, x=at) for at in range(first, first + 200)))
        for limit in (0, 5000, 6000):
            with self.subTest(limit=limit):
                page, token = get_page(self.ots, TABLE, series, limit=limit)
                self.assertEqual([got.time_in_us for got in page], list(range(5000)))
                self.assertTrue(token)
        self.assertEqual(self.times(series), list(range(5200)))

    def test_backward_across_pages(self):
        series = key("backward")
        self.put(*(row(series, at, x=at) for at in range(19)))
        for limit in (1, 7, 10, 19, 0):
            with self.subTest(limit=limit):
                self.assertEqual(self.times(series, backward=True, limit=limit),
                                 list(range(18, -1, -1)))
        self.assertEqual(self.times(series, 3, 8, backward=True, limit=2), [7, 6, 5, 4, 3])

    def test_fields_to_get(self):
        series = key("fields")
        self.put(row(series, 1, a=1, b=2.0, c="3", d=bytearray(b"4"), e=True),
                 row(series, 2, a=1.5, z="only z"))
        wanted = {"a": service.INTEGER, "c": service.STRING, "d": service.BINARY}
        rows = get_rows(self.ots, TABLE, series, 0, 2, fieldsToGet=wanted)
        self.assertEqual([got.fields for got in rows], [{"a": 1, "c": "3", "d": bytearray(b"4")}])
        wanted = {"b": service.DOUBLE, "e": service.BOOLEAN}
        rows = get_rows(self.ots, TABLE, series, 0, 2, fieldsToGet=wanted)
        self.assertEqual([got.fields for got in rows], [{"b": 2.0, "e": True}])

    def test_fields_to_get_of_another_type_are_missing(self):
        series = key("other_type")
        self.put(row(series, 1, a=1, b=2.0))
        wanted = {"a": service.STRING, "b": service.DOUBLE, "absent": service.INTEGER}
        rows = get_rows(self.ots, TABLE, series, fieldsToGet=wanted)
        self.assertEqual([got.fields for got in rows], [{"b": 2.0}])

    def test_second_put_replaces_the_whole_row(self):
        series = key("replace", "s", t="v")
        self.put(row(series, 5, a=1, b="old", c=True))
        self.put(row(series, 5, b=2.5))
        self.assertEqual([got.fields for got in get_rows(self.ots, TABLE, series)], [{"b": 2.5}])
        self.put(row(series, 5, a=1), row(series, 5, z=2))
        self.assertEqual([got.fields for got in get_rows(self.ots, TABLE, series)], [{"z": 2}])

    def test_rows_of_many_timelines_in_one_put(self):
        keys = [key(f"many_{n % 3}", f"s{n % 5}", n=str(n)) for n in range(200)]
        self.put(*(row(series, 1, n=n) for n, series in enumerate(keys)))
        for n, series in enumerate(keys):
            self.assertEqual([got.fields for got in get_rows(self.ots, TABLE, series)], [{"n": n}])

    def test_a_timeline_that_is_not_there_has_no_rows(self):
        self.put(row(key("there", a="1"), 1, x=1))
        for series in (key("not_there"), key("there"), key("there", "s", a="1"),
                       key("there", a="2"), key("there", a="1", b="1")):
            self.assertEqual(get_page(self.ots, TABLE, series), ([], None))

    def test_largest_put(self):
        series = key("largest")
        text = "x" * (2 * 1024 * 1024)
        self.put(row(series, 1, string=text))
        self.put(row(series, 2, binary=bytearray(b"\x80") * len(text)))
        rows = get_rows(self.ots, TABLE, series)
        self.assertEqual(rows[0].fields, {"string": text})
        self.assertEqual(rows[1].fields, {"binary": bytearray(b"\x80") * len(text)})

    def test_widest_row(self):
        fields = {f"f{number}": number for number in range(1023)}
        fields["n" * 128] = "longest name"
        self.put(row(key("widest"), 1, **fields))
        self.assertEqual(get_rows(self.ots, TABLE, key("widest"))[0].fields, fields)

    def test_version_4_signatures_carry_data(self):
        ots = service.client(region="cn-hangzhou")
        ots.put_timeseries_data(TABLE, [row(key("v4"), 1, x=1)])
        self.assertEqual([got.fields for got in get_rows(ots, TABLE, key("v4"))], [{"x": 1}])

    def test_many_calls_at_once(self):
        def put(number):
            self.put(*(row(key("at_once", str(number % 8)), number * 10 + at, x=at)
                       for at in range(10)))
            return self.times(key("at_once", str(number % 8)), number * 10, number * 10 + 10)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            for number, times in enumerate(pool.map(put, range(400))):
                self.assertEqual(times, list(range(number * 10, number * 10 + 10)))

    def test_rows_expire(self):
        service.create_table(self.ots, "expiring", 86400)
        self.addCleanup(self.ots.delete_timeseries_table, "expiring")
        now = time.time_ns() // 1000
        self.put(row(key("t"), now - 2 * 86400 * 10**6, x="old"), row(key("t"), now, x="new"),
                 table="expiring")
        self.assertEqual([got.fields for got in get_rows(self.ots, "expiring", key("t"))],
                         [{"x": "new"}])

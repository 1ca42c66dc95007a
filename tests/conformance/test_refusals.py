"""What the service refuses: every code with its HTTP status, and that nothing was stored."""
import unittest

from tablestore import CreateTimeseriesTableRequest, TimeseriesMetaOptions

import service
from service import get_page, key, refusal, row, table_meta

TABLE = "refusals"
INVALID = ("OTSParameterInvalid", 400)
AUTH_FAILED = ("OTSAuthFailed", 403)
NOT_THERE = ("OTSObjectNotExist", 404)
MIB = 1024 * 1024


class Refusals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ots = service.client()
        service.create_table(cls.ots, TABLE)

    @classmethod
    def tearDownClass(cls):
        cls.ots.delete_timeseries_table(TABLE)

    def create(self, meta):
        self.ots.create_timeseries_table(CreateTimeseriesTableRequest(meta))

    def check_put(self, *rows):
        """All of it is refused, also the good row in it."""
        good = key("good", self.id())
        self.assertEqual(refusal(self.ots.put_timeseries_data, TABLE, [row(good, 1, x=1), *rows]),
                         INVALID)
        self.assertEqual(get_page(self.ots, TABLE, good), ([], None))
        self.assertNotIn(service.identity(good), service.query_keys(self.ots, TABLE))


class AccessRefusals(unittest.TestCase):
    def check(self, **changes):
        for region in (None, "cn-hangzhou"):
            with self.subTest(region=region):
                ots = service.client(region=region, **changes)
                self.assertEqual(refusal(ots.list_timeseries_table), AUTH_FAILED)
                self.assertEqual(
                    refusal(ots.put_timeseries_data, "t", [row(key("m"), 1, x=1)]), AUTH_FAILED)

    def test_wrong_secret(self):
        self.check(access_key_secret="not the secret")

    def test_unknown_access_key(self):
        self.check(access_key_id="NobodysAccessKey")

    def test_unknown_instance(self):
        self.check(instance_name="elsewhere")


class MissingTable(Refusals):
    def test_put(self):
        self.assertEqual(refusal(self.ots.put_timeseries_data, "missing",
                                 [row(key("m"), 1, x=1)]), NOT_THERE)

    def test_get(self):
        self.assertEqual(refusal(get_page, self.ots, "missing", key("m")), NOT_THERE)

    def test_query(self):
        self.assertEqual(refusal(service.query_page, self.ots, "missing"), NOT_THERE)

    def test_describe(self):
        self.assertEqual(refusal(self.ots.describe_timeseries_table, "missing"), NOT_THERE)

    def test_delete(self):
        self.assertEqual(refusal(self.ots.delete_timeseries_table, "missing"), NOT_THERE)


class TableRefusals(Refusals):
    def test_table_that_exists(self):
        self.assertEqual(refusal(self.create, table_meta(TABLE)), ("OTSObjectAlreadyExist", 409))
        self.assertEqual(refusal(self.create, table_meta(TABLE, 86400)),
                         ("OTSObjectAlreadyExist", 409))
        meta = self.ots.describe_timeseries_table(TABLE).table_meta
        self.assertEqual(meta.timeseries_table_options.time_to_live, -1)

    def test_names(self):
        for name in ("", "1st", "t" * 129, "with-dash", "with.dot", "with space", "温度", "a/b",
                     "t#timeseries", ".", ".."):
            with self.subTest(name):
                self.assertEqual(refusal(self.create, table_meta(name)), INVALID)

    def test_time_to_live(self):
        for seconds in (86399, 100, 1, 0, -2, -2**31):
            with self.subTest(seconds):
                self.assertEqual(refusal(self.create, table_meta("ttl", seconds)), INVALID)

    def test_metadata_time_to_live(self):
        for data, metadata, may_update in ((86400, 86400, False), (86400, 604799, False),
                                           (86400, 604800, True), (-1, 604800, False),
                                           (604801, 604800, False)):
            with self.subTest((data, metadata, may_update)):
                meta = table_meta("meta_ttl", data)
                meta.timeseries_meta_options = TimeseriesMetaOptions(metadata, may_update)
                self.assertEqual(refusal(self.create, meta), INVALID)

    def test_nothing_was_created(self):
        names = {meta.timeseries_table_name for meta in self.ots.list_timeseries_table()}
        self.assertFalse(names & {"ttl", "meta_ttl", "1st", ""})


class RequestRefusals(Refusals):
    def test_unknown_action(self):
        self.assertEqual(refusal(self.ots.list_search_index), INVALID)

    def test_range_that_ends_before_it_begins(self):
        for begin, end in ((10, 10), (10, 5), (0, 0)):
            with self.subTest((begin, end)):
                self.assertEqual(refusal(get_page, self.ots, TABLE, key("m"), begin, end), INVALID)

    def test_token_that_is_none(self):
        for token in (b"\0", b"not a token", b"\xff" * 100):
            with self.subTest(token):
                self.assertEqual(refusal(lambda: get_page(
                    self.ots, TABLE, key("m"), nextToken=token)), INVALID)
                self.assertEqual(refusal(lambda: service.query_page(
                    self.ots, TABLE, nextToken=token)), INVALID)


class RowRefusals(Refusals):
    def test_201_rows(self):
        self.check_put(*(row(key("m"), at, x=1) for at in range(200)))

    def test_no_rows(self):
        self.assertEqual(refusal(self.ots.put_timeseries_data, TABLE, []), INVALID)

    def test_over_4_mib(self):
        rows = [row(key("m"), at, x="v" * MIB) for at in range(3)]
        self.check_put(*rows, row(key("m"), 3, x="v" * (MIB - 100)), row(key("m"), 4, x="v" * 200))

    def test_1025_fields(self):
        self.check_put(row(key("m"), 1, **{f"f{number}": 1 for number in range(1025)}))

    def test_no_fields(self):
        self.check_put(row(key("m"), 1))

    def test_negative_time(self):
        for time_us in (-1, -2**63):
            with self.subTest(time_us):
                self.check_put(row(key("m"), time_us, x=1))


BAD_ROWS = {
    "measurement_empty": row(key(""), 1, x=1),
    "measurement_129_bytes": row(key("m" * 129), 1, x=1),
    "measurement_129_bytes_of_43_characters": row(key("温" * 43), 1, x=1),
    "measurement_hash": row(key("##AA##"), 1, x=1),
    "measurement_space": row(key(" "), 1, x=1),
    "measurement_space_within": row(key("aa bb"), 1, x=1),
    "measurement_tab": row(key("m\t"), 1, x=1),
    "measurement_line_feed": row(key("m\n"), 1, x=1),
    "measurement_nul": row(key("m\0"), 1, x=1),
    "source_257_bytes": row(key("m", "s" * 257), 1, x=1),
    "tag_name_empty": row(key("m", "", **{"": "v"}), 1, x=1),
    "tag_name_equals": row(key("m", "", **{"a=b": "v"}), 1, x=1),
    "tag_name_quote": row(key("m", "", **{'a"b': "v"}), 1, x=1),
    "tag_name_space": row(key("m", "", **{"a b": "v"}), 1, x=1),
    "tag_name_beyond_ascii": row(key("m", "", **{"城市": "v"}), 1, x=1),
    "tag_value_quote": row(key("m", "", a='v"'), 1, x=1),
    "tag_value_equals": row(key("m", "", a="v=w"), 1, x=1),
    "tags_513_bytes": row(key("m", "", **{"k" * 100: "v" * 408}), 1, x=1),
    "tags_517_bytes_of_many": row(key("m", "", **{f"k{n:02}": "v" * 5 for n in range(43)}), 1, x=1),
    "field_name_empty": row(key("m"), 1, **{"": 1}),
    "field_name_capital": row(key("m"), 1, Load=1),
    "field_name_129_bytes": row(key("m"), 1, **{"f" * 129: 1}),
    "field_name_leading_digit": row(key("m"), 1, **{"1x": 1}),
    "field_name_dash": row(key("m"), 1, **{"a-b": 1}),
    "field_name_dot": row(key("m"), 1, **{"a.b": 1}),
    "field_name_colon": row(key("m"), 1, **{"a:i": 1}),
    "field_name_beyond_ascii": row(key("m"), 1, **{"温度": 1}),
    "string_over_2_mib": row(key("m"), 1, x="v" * (2 * MIB + 1)),
    "string_not_utf8": row(key("m"), 1, x=b"\xff\xfe"),
    "binary_over_2_mib": row(key("m"), 1, x=bytearray(2 * MIB + 1)),
}


def add_bad_row_tests():
    for name, bad in BAD_ROWS.items():
        setattr(RowRefusals, f"test_{name}", lambda self, bad=bad: self.check_put(bad))


add_bad_row_tests()
# Only what the classes that derive from it add is to be run.
del Refusals

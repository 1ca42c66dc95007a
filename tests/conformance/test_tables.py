"""Tables through the SDK: create, list, describe, delete, options and signatures."""
import unittest

from tablestore import CreateTimeseriesTableRequest, TimeseriesMetaOptions

import service
from service import create_table, refusal, table_meta


class Tables(unittest.TestCase):
    def setUp(self):
        self.ots = service.client()
        self.tables = []
        self.addCleanup(self.delete_tables)

    def delete_tables(self):
        for name in self.tables:
            self.ots.delete_timeseries_table(name)

    def create(self, name, *options):
        create_table(self.ots, name, *options)
        self.tables.append(name)

    def describe(self, name):
        return self.ots.describe_timeseries_table(name).table_meta

    def names(self):
        return {meta.timeseries_table_name for meta in self.ots.list_timeseries_table()}

    def test_defaults(self):
        self.create("defaults")
        for meta in (self.describe("defaults"), *self.ots.list_timeseries_table()):
            if meta.timeseries_table_name != "defaults":
                continue
            self.assertEqual(meta.status, "CREATED")
            self.assertEqual(meta.timeseries_table_options.time_to_live, -1)
            self.assertEqual(meta.timeseries_meta_options.meta_time_to_live, -1)
            self.assertIs(meta.timeseries_meta_options.allow_update_attributes, True)

    def test_time_to_live(self):
        for seconds in (-1, 86400, 172800, 2**31 - 1):
            with self.subTest(seconds):
                name = f"ttl_{abs(seconds)}"
                self.create(name, seconds)
                options = self.describe(name).timeseries_table_options
                self.assertEqual(options.time_to_live, seconds)

    def test_metadata_options(self):
        meta = table_meta("meta_ttl", 86400)
        meta.timeseries_meta_options = TimeseriesMetaOptions(604800, False)
        self.ots.create_timeseries_table(CreateTimeseriesTableRequest(meta))
        self.tables.append("meta_ttl")
        options = self.describe("meta_ttl").timeseries_meta_options
        self.assertEqual(options.meta_time_to_live, 604800)
        self.assertIs(options.allow_update_attributes, False)

    def test_list_and_delete(self):
        before = self.names()
        self.create("first")
        self.create("Second_2")
        self.assertEqual(self.names() - before, {"first", "Second_2"})
        self.ots.delete_timeseries_table("first")
        self.tables.remove("first")
        self.assertEqual(self.names() - before, {"Second_2"})

    def test_name_of_a_deleted_table_can_be_used_again(self):
        series = service.key("cpu")
        self.create("again")
        self.ots.put_timeseries_data("again", [service.row(series, 1, x=1)])
        self.ots.delete_timeseries_table("again")
        self.tables.remove("again")
        self.create("again")
        self.assertEqual(service.get_rows(self.ots, "again", series), [])
        self.assertEqual(service.query_keys(self.ots, "again"), [])

    def test_longest_name(self):
        self.create("t" * 128)
        self.assertIn("t" * 128, self.names())

    def test_sixty_four_tables_and_no_more(self):
        for number in range(64 - len(self.names())):
            self.create(f"full_{number}")
        self.assertEqual(len(self.names()), 64)
        answer = refusal(create_table, self.ots, "one_too_many")
        self.assertEqual(answer, ("OTSQuotaExhausted", 403))
        self.assertEqual(len(self.names()), 64)


class Signatures(unittest.TestCase):
    """Both kinds of signature are accepted, and the SDK accepts the answers' signatures."""

    def test_version_2(self):
        service.client().list_timeseries_table()

    def test_version_4(self):
        service.client(region="cn-hangzhou").list_timeseries_table()
        service.client(region="elsewhere").list_timeseries_table()

    def test_refusals_are_signed(self):
        # The SDK checks these answers' signatures as well: else it would be no service error.
        for options in ({}, {"region": "cn-hangzhou"}):
            ots = service.client(**options)
            self.assertEqual(refusal(ots.describe_timeseries_table, "not_there"),
                             ("OTSObjectNotExist", 404))

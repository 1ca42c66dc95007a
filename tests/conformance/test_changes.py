"""Updates of tables and metadata, and tables with identifiers of their own, through the SDK."""
import time
import unittest

from tablestore import (CreateTimeseriesTableRequest, DeleteTimeseriesMetaRequest, TimeseriesKey,
                        TimeseriesMeta, TimeseriesMetaOptions, TimeseriesTableMeta,
                        TimeseriesTableOptions, UpdateTimeseriesMetaRequest)
from tablestore.timeseries_condition import AttributeMetaQueryCondition, MetaQuerySingleOperator

import service
from service import get_rows, identity, key, query_keys, query_page, refusal, row

TABLE = "changes"
INVALID = ("OTSParameterInvalid", 400)
MISSING = ("OTSObjectNotExist", 404)
DAY = 86400


class Changes(unittest.TestCase):
    def setUp(self):
        self.ots = service.client()

    def create(self, name, **changes):
        meta = TimeseriesTableMeta(name)
        for attribute, value in changes.items():
            setattr(meta, attribute, value)
        self.ots.create_timeseries_table(CreateTimeseriesTableRequest(meta))
        self.addCleanup(self.ots.delete_timeseries_table, name)


class Tables(Changes):
    def update(self, name=TABLE, data=None, metadata=None):
        meta = TimeseriesTableMeta(name)
        if data is not None:
            meta.timeseries_table_options = TimeseriesTableOptions(data)
        if metadata is not None:
            meta.timeseries_meta_options = TimeseriesMetaOptions(*metadata)
        self.ots.update_timeseries_table(meta)

    def options(self):
        meta = self.ots.describe_timeseries_table(TABLE).table_meta
        options = meta.timeseries_meta_options
        return (meta.timeseries_table_options.time_to_live, options.meta_time_to_live,
                options.allow_update_attributes)

    def test_options(self):
        self.create(TABLE)
        self.assertEqual(self.options(), (-1, -1, True))
        for data, metadata, after in (
                (DAY, None, (DAY, -1, True)),
                (None, (None, False), (DAY, -1, False)),
                (None, (7 * DAY, None), (DAY, 7 * DAY, False)),
                (7 * DAY, None, (7 * DAY, 7 * DAY, False)),
                (None, (-1, True), (7 * DAY, -1, True)),
                (-1, None, (-1, -1, True))):
            with self.subTest((data, metadata)):
                self.update(data=data, metadata=metadata)
                self.assertEqual(self.options(), after)

    def test_refusals(self):
        self.create(TABLE)
        self.update(data=DAY)
        self.update(metadata=(7 * DAY, False))
        for data, metadata in ((DAY - 1, None), (7 * DAY + 1, None), (-1, None),
                               (None, (7 * DAY - 1, None)), (None, (None, True)),
                               (DAY, (7 * DAY, False)), (None, None)):
            with self.subTest((data, metadata)):
                self.assertEqual(refusal(self.update, TABLE, data, metadata), INVALID)
                self.assertEqual(self.options(), (DAY, 7 * DAY, False))
        self.assertEqual(refusal(self.update, "no_table", DAY), MISSING)


class Metadata(Changes):
    def setUp(self):
        super().setUp()
        self.create(TABLE)

    def update(self, series, attributes=None):
        answer = self.ots.update_timeseries_meta(
            UpdateTimeseriesMetaRequest(TABLE, [TimeseriesMeta(series, attributes or {})]))
        self.assertEqual(answer.failedRows, [])

    def delete(self, *series):
        answer = self.ots.delete_timeseries_meta(DeleteTimeseriesMetaRequest(TABLE, list(series)))
        self.assertEqual(answer.failedRows, [])

    def records(self):
        page = query_page(self.ots, TABLE)
        return {meta.timeseries_key.measurement_name: meta.attributes or {}
                for meta in page.timeseriesMetas}

    def test_update_makes_a_record(self):
        self.update(key("cpu", "h", a="1"), {"k": "v", "l": "温度 \t"})
        self.assertEqual(self.records(), {"cpu": {"k": "v", "l": "温度 \t"}})
        self.assertEqual(get_rows(self.ots, TABLE, key("cpu", "h", a="1")), [])

    def test_attributes_are_replaced(self):
        self.update(key("cpu"), {"k": "v", "l": "w"})
        self.update(key("cpu"), {"k": "x"})
        self.assertEqual(self.records(), {"cpu": {"k": "x"}})
        self.update(key("cpu"))
        self.assertEqual(self.records(), {"cpu": {"k": "x"}})

    def test_conditions_on_attributes(self):
        for name, attributes in (("a", {"k": "abc"}), ("b", {"k": "b", "l": "abc"}), ("c", {})):
            self.update(key(name), attributes)
        single = MetaQuerySingleOperator
        for operator, name, value, wanted in (
                (single.OP_EQUAL, "k", "abc", "a"), (single.OP_PREFIX, "k", "ab", "a"),
                (single.OP_GREATER_THAN, "k", "abc", "b"), (single.OP_LESS_EQUAL, "k", "b", "ab"),
                (single.OP_EQUAL, "l", "abc", "b"), (single.OP_EQUAL, "m", "abc", "")):
            with self.subTest((operator.name, name, value)):
                condition = AttributeMetaQueryCondition(operator, name, value)
                self.assertEqual(query_keys(self.ots, TABLE, condition),
                                 [identity(key(name)) for name in wanted])

    def test_attributes_that_may_not_be_updated(self):
        meta = TimeseriesTableMeta(TABLE)
        meta.timeseries_meta_options = TimeseriesMetaOptions(None, False)
        self.ots.update_timeseries_table(meta)
        self.assertEqual(refusal(self.update, key("cpu"), {"k": "v"}), INVALID)
        self.update(key("cpu"))
        self.assertEqual(self.records(), {"cpu": {}})

    def test_deletion_leaves_the_rows(self):
        self.ots.put_timeseries_data(TABLE, [row(key("cpu"), 1, x=1), row(key("mem"), 1, x=1)])
        self.delete(key("cpu"), key("none"))
        self.assertEqual(query_keys(self.ots, TABLE), [identity(key("mem"))])
        self.assertEqual(len(get_rows(self.ots, TABLE, key("cpu"))), 1)
        self.ots.put_timeseries_data(TABLE, [row(key("cpu"), 2, x=1)])
        self.assertEqual(set(self.records()), {"cpu", "mem"})

    def test_refusals(self):
        for series in (key(""), key("a b")):
            self.assertEqual(refusal(self.update, series), INVALID)
            self.assertEqual(refusal(self.delete, series), INVALID)
        self.assertEqual(refusal(self.delete), INVALID)


class OwnIdentifiers(Changes):
    def setUp(self):
        super().setUp()
        self.create(TABLE, timeseries_keys=["a", "b"],
                    field_primary_keys=[("gid", "INTEGER"), ("uid", "STRING")])
        self.series = TimeseriesKey(tags={"a": "1", "b": "2"})

    def test_description(self):
        meta = self.ots.describe_timeseries_table(TABLE).table_meta
        self.assertEqual(list(meta.timeseries_keys), ["a", "b"])
        self.assertEqual([name for name, *_ in meta.field_primary_keys], ["gid", "uid"])

    def test_rows_of_one_time(self):
        now = time.time_ns() // 1000
        wanted = [{"gid": gid, "uid": uid, "x": 0.5} for gid in (-1, 0, 7) for uid in ("", "a")]
        self.ots.put_timeseries_data(TABLE, [row(self.series, now, **fields)
                                             for fields in reversed(wanted)])
        rows = get_rows(self.ots, TABLE, self.series)
        self.assertEqual([got.fields for got in rows], wanted)
        self.assertEqual(rows[0].timeseries_key.tags, {"a": "1", "b": "2"})
        self.assertIsNone(rows[0].timeseries_key.measurement_name)
        pages = get_rows(self.ots, TABLE, self.series, limit=1)
        self.assertEqual([got.fields for got in pages], wanted)

    def test_refusals(self):
        for series, fields in ((self.series, {"gid": 1}), (self.series, {"gid": "1", "uid": ""}),
                               (TimeseriesKey("m", None, {"a": "1", "b": "2"}),
                                {"gid": 1, "uid": ""}),
                               (TimeseriesKey(tags={"a": "1"}), {"gid": 1, "uid": ""})):
            with self.subTest((series.tags, fields)):
                self.assertEqual(refusal(self.ots.put_timeseries_data, TABLE,
                                         [row(series, 1, **fields)]), INVALID)


del Changes

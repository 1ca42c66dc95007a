"""Wide-column tables through the SDK, as DataX's readers and writers use them."""
import threading
import time
import unittest

from tablestore import (INF_MAX, INF_MIN, BatchGetRowRequest, BatchWriteRowRequest, CapacityUnit,
                        ComparatorType, Condition, DeleteRowItem, PutRowItem, ReservedThroughput,
                        ReturnType, Row, RowExistenceExpectation, SingleColumnCondition,
                        TableInBatchGetRowItem, TableInBatchWriteRowItem, TableMeta, TableOptions,
                        UpdateRowItem)

import service

STATUS_KEYS = [("StreamId", "STRING"), ("StatusType", "STRING"), ("StatusValue", "STRING")]
IGNORE = Condition(RowExistenceExpectation.IGNORE)
EXIST = Condition(RowExistenceExpectation.EXPECT_EXIST)
NOT_EXIST = Condition(RowExistenceExpectation.EXPECT_NOT_EXIST)


def create(ots, name, keys, time_to_live=-1, max_versions=1):
    ots.create_table(TableMeta(name, keys), TableOptions(time_to_live, max_versions, 86400),
                     ReservedThroughput(CapacityUnit(0, 0)))


def refusal(call, *arguments, **options):
    return service.refusal(lambda: call(*arguments, **options))


def columns(row):
    """A row's columns without their versions."""
    return None if row is None else [(name, value) for name, value, _ in row.attribute_columns]


class WideTables(unittest.TestCase):
    def setUp(self):
        self.ots = service.client()

    def create(self, name, *options):
        create(self.ots, name, *options)
        self.addCleanup(self.ots.delete_table, name)

    def test_create_describe_list_delete(self):
        self.create("status", STATUS_KEYS, 2592000)
        answer = self.ots.describe_table("status")
        self.assertEqual(answer.table_meta.schema_of_primary_key, STATUS_KEYS)
        self.assertEqual(answer.table_options.time_to_live, 2592000)
        self.assertEqual(answer.table_options.max_version, 1)
        self.assertEqual(answer.table_options.max_time_deviation, 86400)
        units = answer.reserved_throughput_details.capacity_unit
        self.assertEqual((units.read, units.write), (0, 0))
        create(self.ots, "another", [("k", "BINARY"), ("n", "INTEGER")])
        self.assertEqual(set(self.ots.list_table()), {"another", "status"})
        self.ots.delete_table("another")
        self.assertEqual(list(self.ots.list_table()), ["status"])
        self.assertEqual(refusal(self.ots.describe_table, "another"), ("OTSObjectNotExist", 404))

    def test_update_table(self):
        self.create("updated", STATUS_KEYS)
        answer = self.ots.update_table("updated", TableOptions(2592000, 3, 86401),
                                       ReservedThroughput(CapacityUnit(0, 0)))
        for options in (answer.table_options, self.ots.describe_table("updated").table_options):
            self.assertEqual((options.time_to_live, options.max_version,
                              options.max_time_deviation), (2592000, 3, 86401))
        units = answer.reserved_throughput_details.capacity_unit
        self.assertEqual((units.read, units.write), (0, 0))
        self.ots.update_table("updated", TableOptions(-1, None, None))
        options = self.ots.describe_table("updated").table_options
        self.assertEqual((options.time_to_live, options.max_version), (-1, 3))
        self.assertEqual(refusal(self.ots.update_table, "updated", TableOptions(86399, 1, 1)),
                         ("OTSParameterInvalid", 400))
        self.assertEqual(refusal(self.ots.update_table, "no_such_table", TableOptions()),
                         ("OTSObjectNotExist", 404))

    def test_defined_columns(self):
        defined = [("i", "INTEGER"), ("s", "STRING"), ("b", "BINARY"), ("d", "DOUBLE"),
                   ("t", "BOOLEAN")]
        self.ots.create_table(TableMeta("defined", [("k", "STRING")], defined), TableOptions(),
                              ReservedThroughput(CapacityUnit(0, 0)))
        self.addCleanup(self.ots.delete_table, "defined")
        meta = self.ots.describe_table("defined").table_meta
        self.assertEqual([tuple(column) for column in meta.defined_columns], defined)

    def test_one_space_of_names(self):
        self.create("taken", STATUS_KEYS)
        service.create_table(self.ots, "series")
        self.addCleanup(self.ots.delete_timeseries_table, "series")
        exists = ("OTSObjectAlreadyExist", 409)
        self.assertEqual(refusal(create, self.ots, "taken", STATUS_KEYS), exists)
        self.assertEqual(refusal(create, self.ots, "series", STATUS_KEYS), exists)
        self.assertEqual(refusal(service.create_table, self.ots, "taken"), exists)

    def test_refused_tables(self):
        invalid = ("OTSParameterInvalid", 400)
        for keys, options in (([], ()), ([("k%d" % i, "STRING") for i in range(5)], ()),
                              ([("k", "STRING")], (86399,)), ([("k", "STRING")], (-1, 0)),
                              ([("k", "STRING"), ("k", "STRING")], ())):
            with self.subTest(keys=keys, options=options):
                self.assertEqual(refusal(create, self.ots, "refused", keys, *options), invalid)


class StatusTable(unittest.TestCase):
    """The calls of otsstreamreader on its status table."""

    def setUp(self):
        self.ots = service.client()
        create(self.ots, "status", STATUS_KEYS, 2592000)
        self.addCleanup(self.ots.delete_table, "status")

    @staticmethod
    def key(kind, value):
        return [("StreamId", "stream"), ("StatusType", kind), ("StatusValue", value)]

    def put(self, kind, value, cells, condition=IGNORE):
        self.ots.put_row("status", Row(self.key(kind, value), cells), condition)

    def get(self, kind, value):
        return self.ots.get_row("status", self.key(kind, value), max_version=1)[1]

    def range(self, kind, begin, end, direction="FORWARD", **options):
        _, following, rows, _ = self.ots.get_range(
            "status", direction, self.key(kind, begin), self.key(kind, end), max_version=1,
            **options)
        return [row.primary_key[2][1] for row in rows], following

    def test_empty(self):
        low, high = ([(name, end) for name, _ in STATUS_KEYS] for end in (INF_MIN, INF_MAX))
        consumed, following, rows, _ = self.ots.get_range("status", "FORWARD", low, high, limit=1,
                                                          max_version=1)
        self.assertEqual((following, rows), (None, []))
        self.assertEqual((consumed.read, consumed.write), (1, 0))

    def test_checkpoints_of_one_time(self):
        times = ["%16d" % t for t in (1682243400000, 1682243700000, 999)]
        for at in times:
            for shard in ("sh2", "sh1"):
                self.put("CheckpointForDataxReader", f"{at}\t{shard}",
                         [("Version", "v"), ("Checkpoint", shard), ("SkipCount", 0)])
            self.put("CheckpointForDataxReader", at, [("ShardCount", 2)])
        found = self.range("CheckpointForDataxReader", times[0] + "\t", times[0] + "\t\x7f")
        self.assertEqual(found, ([times[0] + "\tsh1", times[0] + "\tsh2"], None))
        row = self.get("CheckpointForDataxReader", times[1] + "\tsh2")
        self.assertEqual(columns(row), [("Checkpoint", "sh2"), ("SkipCount", 0), ("Version", "v")])
        self.assertEqual(row.primary_key, self.key("CheckpointForDataxReader", times[1] + "\tsh2"))
        self.ots.delete_row("status", Row(self.key("CheckpointForDataxReader",
                                                   times[0] + "\tsh1")), IGNORE)
        found = self.range("CheckpointForDataxReader", times[0] + "\t", times[0] + "\t\x7f")
        self.assertEqual(found, ([times[0] + "\tsh2"], None))

    def test_the_last_before_a_time(self):
        for minute in range(10):
            self.put("ShardTimeCheckpointForDataxReader", "sh\t%16d" % (minute * 60000),
                     [("Checkpoint", str(minute))])
        newest, following = self.range("ShardTimeCheckpointForDataxReader", "sh\t%16d" % 299999,
                                       "sh\t%16d" % 0, "BACKWARD", limit=1)
        self.assertEqual(newest, ["sh\t%16d" % 240000])
        self.assertEqual(following[2][1], "sh\t%16d" % 180000)

    def test_a_job(self):
        cells = [("ShardIds_0", bytearray(range(256))), ("Version", "v"), ("EndTime", 2**63 - 1)]
        before = int(time.time() * 1000)
        self.put("DataxJobDesc", "x", cells)
        row = self.get("DataxJobDesc", "x")
        self.assertEqual(columns(row), sorted(cells))
        for _, _, version in row.attribute_columns:
            self.assertLessEqual(before, version)
            self.assertLessEqual(version, time.time() * 1000)
        self.put("DataxJobDesc", "x", [("Version", "w")])
        self.assertEqual(columns(self.get("DataxJobDesc", "x")), [("Version", "w")])
        self.assertIsNone(self.get("DataxJobDesc", "y"))


class Rows(unittest.TestCase):
    def setUp(self):
        self.ots = service.client()
        create(self.ots, "rows", [("k", "BINARY"), ("n", "INTEGER")], -1, 3)
        self.addCleanup(self.ots.delete_table, "rows")

    @staticmethod
    def key(number, name=b"\0\xff"):
        return [("k", bytearray(name)), ("n", number)]

    def get(self, number, **options):
        options.setdefault("max_version", 1)
        return self.ots.get_row("rows", self.key(number), **options)[1]

    def update(self, number, changes, condition=IGNORE):
        self.ots.update_row("rows", Row(self.key(number), changes), condition)

    def test_types(self):
        cells = [("b", bytearray(b"\0\x01\xff")), ("d", -0.0), ("e", 1.7976931348623157e308),
                 ("f", False), ("i", -2**63), ("s", "\u0000 \u00fc \U0001f600"), ("t", True),
                 ("z", "")]
        consumed, row = self.ots.put_row("rows", Row(self.key(-2**63), cells), NOT_EXIST,
                                         ReturnType.RT_PK)
        self.assertEqual(row.primary_key, self.key(-2**63))
        self.assertEqual(consumed.write, 1)
        self.assertEqual(columns(self.get(-2**63)), cells)

    def test_update(self):
        self.update(1, {"PUT": [("a", 1), ("b", "x"), ("c", 3)]})
        time.sleep(0.002)  # versions are milliseconds
        self.update(1, {"PUT": [("b", "y")], "DELETE_ALL": [("a"), ("missing")],
                        "INCREMENT": [("c", -5), ("d", 7)]}, EXIST)
        row = self.get(1)
        self.assertEqual(columns(row), [("b", "y"), ("c", -2), ("d", 7)])
        version = row.attribute_columns[0][2]
        self.update(1, {"DELETE": [("b", None, version)]})
        self.assertEqual(columns(self.get(1)), [("b", "x"), ("c", -2), ("d", 7)])

    def test_versions(self):
        now = int(time.time() * 1000)
        for back in (30, 10, 40, 20):
            self.update(2, {"PUT": [("a", back, now - back)]})
        self.assertEqual(self.get(2, max_version=9).attribute_columns,
                         [("a", back, now - back) for back in (10, 20, 30)])
        self.assertEqual(columns(self.get(2, max_version=None, time_range=(now - 30, now - 10))),
                         [("a", 20), ("a", 30)])
        self.assertEqual(columns(self.get(2, max_version=None, time_range=now - 10)), [("a", 10)])

    def test_columns_to_get(self):
        self.ots.put_row("rows", Row(self.key(3), [("a", 1), ("b", 2)]), IGNORE)
        self.assertEqual(columns(self.get(3, columns_to_get=["b", "z"])), [("b", 2)])
        self.assertIsNone(self.get(3, columns_to_get=["z"]))
        self.assertEqual(columns(self.get(3, columns_to_get=["n", "z"])), [])

    def test_conditions(self):
        failed = ("OTSConditionCheckFail", 403)
        row = Row(self.key(4), [("a", 1)])
        self.assertEqual(refusal(self.ots.put_row, "rows", row, EXIST), failed)
        self.assertIsNone(self.get(4))
        self.ots.put_row("rows", row, NOT_EXIST)
        self.assertEqual(refusal(self.ots.put_row, "rows", row, NOT_EXIST), failed)
        gone = Row(self.key(4))
        self.assertEqual(refusal(self.ots.delete_row, "rows", gone, NOT_EXIST), failed)
        self.ots.delete_row("rows", gone, EXIST)
        self.assertEqual(refusal(self.ots.delete_row, "rows", gone, EXIST), failed)
        self.ots.delete_row("rows", gone, IGNORE)

    def test_order_and_pages(self):
        numbers = [-2**63, -256, -1, 0, 1, 255, 256, 2**63 - 1]
        keys = [self.key(number, name) for name in (b"", b"\0", b"\0\0", b"\0\1", b"\1", b"\xff")
                for number in numbers]
        for key in reversed(keys):
            self.ots.put_row("rows", Row(key, []), IGNORE)
        for direction, expected in (("FORWARD", keys), ("BACKWARD", keys[::-1])):
            ends = [("k", INF_MIN), ("n", INF_MIN)], [("k", INF_MAX), ("n", INF_MAX)]
            start, end = ends if direction == "FORWARD" else ends[::-1]
            got = []
            while start:
                _, start, rows, _ = self.ots.get_range("rows", direction, start, end, limit=7,
                                                       max_version=1)
                self.assertLessEqual(len(rows), 7)
                got += [row.primary_key for row in rows]
            self.assertEqual(got, expected)

    def test_more_rows_than_a_page_has(self):
        for first in range(0, 5200, 200):
            items = [PutRowItem(Row(self.key(number, b"p"), [("v", number)]), IGNORE)
                     for number in range(first, first + 200)]
            request = BatchWriteRowRequest()
            request.add(TableInBatchWriteRowItem("rows", items))
            self.assertTrue(self.ots.batch_write_row(request).is_all_succeed())
        start, end = ([("k", bytearray(b"p")), ("n", bound)] for bound in (INF_MIN, INF_MAX))
        _, following, rows, _ = self.ots.get_range("rows", "FORWARD", start, end, max_version=1)
        self.assertEqual([row.primary_key[1][1] for row in rows], list(range(5000)))
        _, following, rows, _ = self.ots.get_range("rows", "FORWARD", following, end,
                                                   max_version=1)
        self.assertEqual([row.primary_key[1][1] for row in rows], list(range(5000, 5200)))
        self.assertIsNone(following)

    def test_batches(self):
        self.ots.put_row("rows", Row(self.key(6), [("a", 1)]), IGNORE)
        request = BatchWriteRowRequest()
        request.add(TableInBatchWriteRowItem("rows", [
            PutRowItem(Row(self.key(5), [("a", 5)]), NOT_EXIST),
            UpdateRowItem(Row(self.key(6), {"PUT": [("b", 2)]}), EXIST),
            DeleteRowItem(Row(self.key(7)), EXIST)]))
        answer = self.ots.batch_write_row(request)
        put, failed = answer.get_put()
        self.assertEqual((len(put), len(failed)), (1, 0))
        updated, failed = answer.get_update()
        self.assertEqual((len(updated), len(failed)), (1, 0))
        deleted, failed = answer.get_delete()
        self.assertEqual((len(deleted), [item.error_code for item in failed]),
                         (0, ["OTSConditionCheckFail"]))
        request = BatchGetRowRequest()
        request.add(TableInBatchGetRowItem("rows", [self.key(n) for n in (6, 7, 5)],
                                           max_version=1))
        items = self.ots.batch_get_row(request).get_result_by_table("rows")
        self.assertEqual([columns(item.row) for item in items],
                         [[("a", 1), ("b", 2)], None, [("a", 5)]])

    def test_batches_with_repeats(self):
        """A row may be read twice, but not written twice."""
        self.ots.put_row("rows", Row(self.key(10), [("a", 1)]), IGNORE)
        request = BatchWriteRowRequest()
        request.add(TableInBatchWriteRowItem("rows", [
            PutRowItem(Row(self.key(10), [("a", number)]), IGNORE) for number in (2, 3)]))
        self.assertEqual(refusal(self.ots.batch_write_row, request), ("OTSParameterInvalid", 400))
        request = BatchGetRowRequest()
        request.add(TableInBatchGetRowItem("rows", [self.key(10)] * 2, max_version=1))
        items = self.ots.batch_get_row(request).get_result_by_table("rows")
        self.assertEqual([columns(item.row) for item in items], [[("a", 1)]] * 2)

    def test_many_at_once(self):
        def add():
            ots = service.client()
            for _ in range(50):
                ots.update_row("rows", Row(self.key(8), {"INCREMENT": [("sum", 1)]}), IGNORE)
        threads = [threading.Thread(target=add) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(columns(self.get(8)), [("sum", 200)])

    def test_refusals(self):
        invalid, bad_key = ("OTSParameterInvalid", 400), ("OTSInvalidPK", 400)
        ots, key = self.ots, self.key(9)
        put = lambda cells, key=key, condition=IGNORE: refusal(ots.put_row, "rows",
                                                               Row(key, cells), condition)
        get = lambda **options: refusal(ots.get_row, "rows", key, **options)
        equal = SingleColumnCondition("a", 1, ComparatorType.EQUAL)
        self.assertEqual(put([("a", 1)], key[:1]), bad_key)
        self.assertEqual(put([("a", 1)], key[::-1]), bad_key)
        self.assertEqual(put([("a", 1)], [("k", "text"), ("n", 1)]), bad_key)
        self.assertEqual(put([("a", 1)], [("k", bytearray(1025)), ("n", 1)]), invalid)
        self.assertEqual(put([("n", 1)]), invalid)
        self.assertEqual(put([("a" * 256, 1)]), invalid)
        self.assertEqual(put([("a", bytearray(2 * 1024 * 1024 + 1))]), invalid)
        self.assertEqual(put([("a", 1, 1)]), invalid)
        self.assertEqual(put([("c%d" % i, 1) for i in range(1025)]),
                         ("OTSOutOfColumnCountLimit", 400))
        self.assertEqual(put([("c%d" % i, bytearray(2 * 1024 * 1024)) for i in range(2)]),
                         ("OTSOutOfRowSizeLimit", 400))
        self.assertEqual(put([("a", 1)], key, Condition(RowExistenceExpectation.IGNORE, equal)),
                         invalid)
        self.assertEqual(get(max_version=None), invalid)
        self.assertEqual(get(max_version=0), invalid)
        self.assertEqual(get(max_version=1, column_filter=equal), invalid)
        self.assertEqual(refusal(ots.get_range, "rows", "FORWARD", key, key, max_version=1),
                         invalid)
        self.assertEqual(refusal(ots.get_range, "rows", "FORWARD", key, self.key(10), limit=0,
                                 max_version=1), invalid)
        self.assertEqual(refusal(ots.get_row, "missing", key, max_version=1),
                         ("OTSObjectNotExist", 404))
        self.assertIsNone(self.get(9))

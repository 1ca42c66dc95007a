"""QueryTimeseriesMeta through the SDK: every condition and operator, logic, pages, totals."""
import time
import unittest

from tablestore import TimeseriesMeta, UpdateTimeseriesMetaRequest
from tablestore.timeseries_condition import (
    AttributeMetaQueryCondition, CompositeMetaQueryCondition, DataSourceMetaQueryCondition,
    MeasurementMetaQueryCondition, MetaQueryCompositeOperator, MetaQuerySingleOperator,
    TagMetaQueryCondition, UpdateTimeMetaQueryCondition)

import service
from service import identity, key, query_keys, query_page

TABLE = "meta"
OPERATORS = {
    MetaQuerySingleOperator.OP_EQUAL: lambda a, b: a == b,
    MetaQuerySingleOperator.OP_GREATER_THAN: lambda a, b: a > b,
    MetaQuerySingleOperator.OP_GREATER_EQUAL: lambda a, b: a >= b,
    MetaQuerySingleOperator.OP_LESS_THAN: lambda a, b: a < b,
    MetaQuerySingleOperator.OP_LESS_EQUAL: lambda a, b: a <= b,
    MetaQuerySingleOperator.OP_PREFIX: str.startswith,
}
EQUAL, PREFIX = MetaQuerySingleOperator.OP_EQUAL, MetaQuerySingleOperator.OP_PREFIX
KEYS = [key(measurement, source, os=system, n=str(n))
        for n, (measurement, source, system) in enumerate(
            (measurement, source, system)
            for measurement in ("cpu", "cpu_load", "mem", "温度")
            for source in ("", "host_1", "host_2")
            for system in ("linux", "linux-rt", "windows"))]
KEYS += [key("bare"), key("bare", "host_1")]


def matching(is_wanted):
    return sorted(identity(series) for series in KEYS if is_wanted(series))


def composite(operator, *conditions):
    return CompositeMetaQueryCondition(operator, list(conditions))


def all_of(*conditions):
    return composite(MetaQueryCompositeOperator.OP_AND, *conditions)


def any_of(*conditions):
    return composite(MetaQueryCompositeOperator.OP_OR, *conditions)


def none_of(condition):
    return composite(MetaQueryCompositeOperator.OP_NOT, condition)


def measurement(value, operator=EQUAL):
    return MeasurementMetaQueryCondition(operator, value)


def source(value, operator=EQUAL):
    return DataSourceMetaQueryCondition(operator, value)


def tag(name, value, operator=EQUAL):
    return TagMetaQueryCondition(operator, name, value)


class Meta(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.began_us = time.time_ns() // 1000
        cls.ots = service.client()
        service.create_table(cls.ots, TABLE)
        cls.ots.put_timeseries_data(TABLE, [service.row(series, 1, x=1) for series in KEYS])
        service.eventually(lambda: len(query_keys(cls.ots, TABLE)), lambda n: n == len(KEYS))

    @classmethod
    def tearDownClass(cls):
        cls.ots.delete_timeseries_table(TABLE)

    def check(self, condition, is_wanted):
        wanted = matching(is_wanted)
        self.assertEqual(query_keys(self.ots, TABLE, condition), wanted)
        page = query_page(self.ots, TABLE, condition, getTotalHits=True, limit=1)
        self.assertEqual(page.totalHits, len(wanted))
        return wanted

    def test_no_condition(self):
        self.check(None, lambda series: True)

    def test_records(self):
        page = query_page(self.ots, TABLE, measurement("bare"), getTotalHits=True)
        self.assertIsNone(page.nextToken)
        now = time.time_ns() // 1000
        for meta in page.timeseriesMetas:
            self.assertFalse(meta.attributes)
            self.assertGreater(meta.update_time_in_us, self.began_us - 60 * 10**6)
            self.assertLess(meta.update_time_in_us, now + 60 * 10**6)

    def test_total_only_when_asked(self):
        self.assertEqual(query_page(self.ots, TABLE).totalHits, 0)
        self.assertEqual(query_page(self.ots, TABLE, getTotalHits=True).totalHits, len(KEYS))

    def test_pages(self):
        for limit in (1, 7, len(KEYS) - 1, len(KEYS), len(KEYS) + 1):
            with self.subTest(limit=limit):
                self.assertEqual(query_keys(self.ots, TABLE, limit=limit),
                                 matching(lambda series: True))
        condition = source("host_1")
        page = query_page(self.ots, TABLE, condition, limit=5)
        self.assertEqual(len(page.timeseriesMetas), 5)
        self.assertTrue(page.nextToken)
        self.assertEqual(query_keys(self.ots, TABLE, condition, limit=5),
                         matching(lambda series: series.data_source == "host_1"))

    def test_attributes_where_there_are_none(self):
        for operator in OPERATORS:
            with self.subTest(operator.name):
                condition = AttributeMetaQueryCondition(operator, "owner", "me")
                self.assertEqual(query_keys(self.ots, TABLE, condition), [])
        condition = none_of(AttributeMetaQueryCondition(EQUAL, "owner", "me"))
        self.check(condition, lambda series: True)

    def test_update_time(self):
        second = 10**6
        now = time.time_ns() // 1000
        early, late = self.began_us - 600 * second, now + 600 * second
        single = MetaQuerySingleOperator
        for operator, value, is_all in ((single.OP_GREATER_THAN, early, True),
                                        (single.OP_GREATER_EQUAL, late, False),
                                        (single.OP_LESS_THAN, early, False),
                                        (single.OP_LESS_EQUAL, late, True)):
            with self.subTest(operator.name):
                self.check(UpdateTimeMetaQueryCondition(operator, value), lambda series: is_all)
        metas = query_page(self.ots, TABLE).timeseriesMetas
        time_us = metas[0].update_time_in_us
        wanted = sorted(identity(meta.timeseries_key) for meta in metas
                        if meta.update_time_in_us == time_us)
        self.assertEqual(query_keys(self.ots, TABLE, UpdateTimeMetaQueryCondition(EQUAL, time_us)),
                         wanted)

    def test_and(self):
        self.check(all_of(measurement("cpu"), source("host_1"), tag("os", "linux", PREFIX)),
                   lambda series: series.measurement_name == "cpu" and
                   series.data_source == "host_1" and series.tags["os"].startswith("linux"))

    def test_or(self):
        self.check(any_of(measurement("温度"), source("host_2"), tag("os", "windows")),
                   lambda series: series.measurement_name == "温度" or
                   series.data_source == "host_2" or series.tags.get("os") == "windows")

    def test_not(self):
        self.check(none_of(measurement("cpu", PREFIX)),
                   lambda series: not series.measurement_name.startswith("cpu"))
        self.check(none_of(tag("os", "linux")), lambda series: series.tags.get("os") != "linux")

    def test_nested(self):
        condition = any_of(all_of(measurement("mem"), none_of(source("host_1"))),
                           all_of(measurement("cpu", PREFIX), none_of(tag("os", "linux", PREFIX)),
                                  any_of(source(""), source("host_2"))))
        wanted = self.check(condition, lambda series: (
            series.measurement_name == "mem" and series.data_source != "host_1") or (
            series.measurement_name.startswith("cpu") and
            not series.tags["os"].startswith("linux") and series.data_source in ("", "host_2")))
        self.assertTrue(wanted)


class Attributes(unittest.TestCase):
    def test_every_operator(self):
        ots = service.client()
        service.create_table(ots, "attributes")
        self.addCleanup(ots.delete_timeseries_table, "attributes")
        owners = {"a": "me", "b": "me too", "c": "you", "d": "温度"}
        ots.update_timeseries_meta(UpdateTimeseriesMetaRequest("attributes", [
            TimeseriesMeta(key("m", name), {"owner": owner, "b": "b"})
            for name, owner in owners.items()]))
        service.eventually(lambda: len(query_keys(ots, "attributes")), lambda n: n == len(owners))
        for operator, compare in OPERATORS.items():
            for value in ("", "me", "me too", "n", "温"):
                with self.subTest((operator.name, value)):
                    condition = AttributeMetaQueryCondition(operator, "owner", value)
                    self.assertEqual(
                        [name for _, name, _ in query_keys(ots, "attributes", condition)],
                        [name for name, owner in owners.items() if compare(owner, value)])


def add_operator_tests():
    """One test for each kind of condition and operator."""
    kinds = {
        "measurement": (measurement, lambda series: series.measurement_name,
                        ("", "cp", "cpu", "cpu_load", "mem", "温", "温度", "zzz")),
        "source": (source, lambda series: series.data_source, ("", "host", "host_1", "host_9")),
        "tag": (lambda value, operator: tag("os", value, operator),
                lambda series: series.tags.get("os"), ("", "linux", "linux-rt", "m", "windows")),
    }
    for kind, (make, part, values) in kinds.items():
        for operator, compare in OPERATORS.items():
            def test(self, make=make, part=part, values=values, operator=operator,
                     compare=compare):
                for value in values:
                    with self.subTest(value=value):
                        self.check(make(value, operator), lambda series:
                                   part(series) is not None and compare(part(series), value))
            setattr(Meta, f"test_{kind}_{operator.name[3:].lower()}", test)


add_operator_tests()

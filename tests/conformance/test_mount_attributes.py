"""Extended attributes of the mount beside the SDK: timelines' attributes and tables' options."""
import errno
import json
import os
import subprocess
import unittest

from tablestore import (TimeseriesMeta, TimeseriesMetaOptions,
                        UpdateTimeseriesMetaRequest)

import lineproto
import service
from service import identity, key, row

TABLE, COPY = "attributes_original", "attributes_copy"
OPTIONS = "user.ots.options"
PREFIX = "user.ots.attr."

KEYS = [
    key("cpu", "web-1", az="b", region="hz"),
    key("cpu", "", az="b"),
    key("cpu"),
    key("温度", "数据源 一", city="上海 浦东"),
    key("long", "s" * 256, **{"k" * 100: "v" * 407}),
    key("long/" * 25, "/" * 256, k="/" * 500),
]
# What the SDK's reader can read: no comma, no empty value.
ATTRIBUTES = [
    {},
    {"owner": "me", "b": "b"},
    {"owner": "温度 und mehr", "Odd.Name-1/x:[]\\+": "line\nfeed"},
    {"space": " "},
    {"k" * 200: "v" * 15000},
    {f"name{number}": f"value {number}" for number in range(50)},
]


def sync(directory):
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Attributes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ots = service.client()
        service.create_table(cls.ots, TABLE)
        cls.root = os.path.join(service.mount(), TABLE)
        for series in KEYS:
            cls.ots.put_timeseries_data(TABLE, [row(series, 1, x=1)])
        for series in KEYS:
            service.eventually(lambda path=cls.path(series): os.path.exists(path))

    @classmethod
    def tearDownClass(cls):
        cls.ots.delete_timeseries_table(TABLE)

    @classmethod
    def path(cls, series, table=TABLE):
        return os.path.join(service.mount(), table,
                            lineproto.path(*identity(series)[:2], series.tags))

    def sdk_attributes(self, table, series):
        for meta in service.query_page(self.ots, table).timeseriesMetas:
            if identity(meta.timeseries_key) == identity(series):
                return meta.attributes or {}
        return None

    def mount_attributes(self, series, table=TABLE):
        path, found = self.path(series, table), {}
        for name in os.listxattr(path):
            try:
                found[name[len(PREFIX):]] = os.getxattr(path, name).decode()
            except OSError as problem:
                # Others replaced them since they were listed.
                if problem.errno != errno.ENODATA:
                    raise
        return found

    def test_sdk_to_mount(self):
        for attributes in ATTRIBUTES:
            with self.subTest(attributes):
                self.ots.update_timeseries_meta(UpdateTimeseriesMetaRequest(
                    TABLE, [TimeseriesMeta(series, attributes or {"gone": "soon"})
                            for series in KEYS]))
                wanted = attributes or {"gone": "soon"}
                for series in KEYS:
                    self.assertEqual(service.eventually(
                        lambda: self.mount_attributes(series),  # pylint: disable=W0640
                        lambda got: got == wanted), wanted)     # pylint: disable=W0640

    def test_mount_to_sdk(self):
        for attributes in ATTRIBUTES:
            with self.subTest(attributes):
                for series in KEYS:
                    path = self.path(series)
                    for name in os.listxattr(path):
                        if name[len(PREFIX):] not in attributes:
                            os.removexattr(path, name)
                    for name, value in attributes.items():
                        os.setxattr(path, PREFIX + name, value.encode())
                sync(self.root)
                for series in KEYS:
                    self.assertEqual(service.eventually(
                        lambda: self.sdk_attributes(TABLE, series),  # pylint: disable=W0640
                        lambda got: got == attributes), attributes)  # pylint: disable=W0640

    def test_cp_a_carries_them(self):
        for series, attributes in zip(KEYS, ATTRIBUTES):
            for name in os.listxattr(self.path(series)):
                os.removexattr(self.path(series), name)
            for name, value in attributes.items():
                os.setxattr(self.path(series), PREFIX + name, value.encode())
        os.setxattr(self.root, OPTIONS, b'{"time_to_live": 2147483647}')
        self.addCleanup(os.setxattr, self.root, OPTIONS, b'{"time_to_live": -1}')
        self.addCleanup(self.ots.delete_timeseries_table, COPY)
        copy = os.path.join(service.mount(), COPY)
        subprocess.run(["cp", "-a", self.root, copy], check=True)
        sync(copy)
        for series, attributes in zip(KEYS, ATTRIBUTES):
            self.assertEqual(service.eventually(
                lambda: self.sdk_attributes(COPY, series),   # pylint: disable=W0640
                lambda got: got == attributes), attributes)  # pylint: disable=W0640
        meta = self.ots.describe_timeseries_table(COPY).table_meta
        self.assertEqual(meta.timeseries_table_options.time_to_live, 2147483647)


class Options(unittest.TestCase):
    def setUp(self):
        self.ots = service.client()
        service.create_table(self.ots, "options")
        self.addCleanup(self.ots.delete_timeseries_table, "options")
        self.root = os.path.join(service.mount(), "options")
        service.eventually(lambda: os.path.isdir(self.root))

    def mount_options(self):
        return json.loads(os.getxattr(self.root, OPTIONS))

    def set_options(self, **options):
        os.setxattr(self.root, OPTIONS, json.dumps(options).encode())

    def sdk_options(self):
        meta = self.ots.describe_timeseries_table("options").table_meta
        return {"time_to_live": meta.timeseries_table_options.time_to_live,
                "meta_time_to_live": meta.timeseries_meta_options.meta_time_to_live,
                "allow_update_attributes": meta.timeseries_meta_options.allow_update_attributes}

    def test_mount_to_sdk(self):
        self.assertEqual(self.mount_options(), self.sdk_options())
        for options in ((86400, 604800, False), (86400, -1, True), (-1, -1, False),
                        (604800, 700000, False), (-1, -1, True)):
            with self.subTest(options):
                wanted = dict(zip(self.sdk_options(), options))
                self.set_options(**wanted)
                self.assertEqual(self.sdk_options(), wanted)
                self.assertEqual(self.mount_options(), wanted)

    def test_sdk_to_mount(self):
        self.ots.update_timeseries_table(service.table_meta("options", 172800))
        meta = service.table_meta("options")
        meta.timeseries_meta_options = TimeseriesMetaOptions(-1, False)
        self.ots.update_timeseries_table(meta)
        wanted = {"time_to_live": 172800, "meta_time_to_live": -1,
                  "allow_update_attributes": False}
        self.assertEqual(service.eventually(self.mount_options, lambda got: got == wanted), wanted)

    def test_refusals(self):
        for options in ({"time_to_live": 1}, {"meta_time_to_live": 604800}, {"unknown": 1},
                        {"timeseries_key_schema": "host"}):
            with self.subTest(options), self.assertRaises(OSError) as caught:
                self.set_options(**options)
            self.assertEqual(caught.exception.errno, errno.EINVAL)
        self.assertEqual(self.sdk_options(), {
            "time_to_live": -1, "meta_time_to_live": -1, "allow_update_attributes": True})

    def test_attributes_need_permission(self):
        series = key("m", "s")
        self.ots.put_timeseries_data("options", [row(series, 1, x=1)])
        path = os.path.join(self.root, lineproto.path("m", "s", {}))
        service.eventually(lambda: os.path.exists(path))
        self.set_options(allow_update_attributes=False)
        with self.assertRaises(PermissionError):
            os.setxattr(path, PREFIX + "a", b"1")
        self.set_options(allow_update_attributes=True)
        os.setxattr(path, PREFIX + "a", b"1")
        sync(self.root)

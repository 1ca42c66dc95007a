"""The SDK over TLS. It trusts the authorities of the package certifi: here, the test's alone."""
import os
import ssl
import unittest
import warnings
from unittest import mock

import urllib3

import service
from service import get_rows, key, row, typed_fields


def client(**changes):
    return service.client(service.data_source("OTS_TLS_CONFIG"), **changes)


class Tls(unittest.TestCase):
    def trusting(self, **changes):
        with mock.patch("certifi.where", return_value=os.environ["OTS_TLS_CA"]):
            return client(**changes)

    def check(self, **changes):
        ots = self.trusting(**changes)
        service.create_table(ots, "tls")
        self.addCleanup(ots.delete_timeseries_table, "tls")
        fields = {"x": -0.0, "s": "温度", "b": bytearray(range(256)), "t": "x" * (1 << 20)}
        series = key("m", "s", a="b")
        ots.put_timeseries_data("tls", [row(series, 1, **fields)])
        rows = get_rows(ots, "tls", series)
        self.assertEqual([typed_fields(got.fields) for got in rows], [typed_fields(fields)])
        self.assertEqual(service.refusal(ots.describe_timeseries_table, "missing"),
                         ("OTSObjectNotExist", 404))

    def test_data(self):
        self.check()

    def test_version_1_2(self):
        with warnings.catch_warnings():
            # of urllib3, at the option of the SDK
            warnings.simplefilter("ignore", FutureWarning)
            self.check(ssl_version=ssl.PROTOCOL_TLSv1_2)

    def test_version_4_signature(self):
        self.check(region="cn-hangzhou")

    def test_unknown_authority(self):
        with self.assertRaises(urllib3.exceptions.MaxRetryError) as failed:
            client().list_timeseries_table()
        self.assertIn("CERTIFICATE_VERIFY_FAILED", str(failed.exception))

    def test_other_name(self):
        source = service.data_source("OTS_TLS_CONFIG")
        ots = self.trusting(end_point=source["endpoint"].replace("127.0.0.1", "localhost"))
        with self.assertRaises(urllib3.exceptions.MaxRetryError) as failed:
            ots.list_timeseries_table()
        self.assertIn("localhost", str(failed.exception))
        self.assertIn("CERTIFICATE_VERIFY_FAILED", str(failed.exception))

    def test_plain_http(self):
        source = service.data_source("OTS_TLS_CONFIG")
        ots = client(end_point=source["endpoint"].replace("https:", "http:"))
        with self.assertRaises(urllib3.exceptions.HTTPError):
            ots.list_timeseries_table()

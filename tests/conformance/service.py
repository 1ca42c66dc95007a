"""The instance under test through the official SDK, and what the tests need around it.

The environment tells where it is: OTS_CONFIG is a configuration file of otsfs with one data
source, OTS_MOUNT the directory where otsfs has it mounted.
"""
import json
import logging
import os
import struct
import time

# The SDK tells on import that it has no compiled codec, and later logs every refusal, which many
# tests want.
logging.getLogger("tablestore").setLevel(logging.CRITICAL)

import tablestore
from tablestore import (CreateTimeseriesTableRequest, GetTimeseriesDataRequest, OTSClient,
                        OTSServiceError, QueryTimeseriesMetaRequest, TimeseriesKey, TimeseriesRow,
                        TimeseriesTableMeta, TimeseriesTableOptions)
from tablestore.retry import NoRetryPolicy

SDK_VERSION = tablestore.__version__
# Of the `fields_to_get` of a request.
INTEGER, BOOLEAN, DOUBLE, STRING, BINARY = 1, 2, 3, 4, 5
TIME_MAX_US = 2**63 - 1
# The real service shows new tables and metadata late.
PATIENCE_S = 120

logging.getLogger(OTSClient.DEFAULT_LOGGER_NAME).setLevel(logging.CRITICAL)


def data_source(variable="OTS_CONFIG"):
    with open(os.environ[variable], encoding="utf-8") as file:
        return json.load(file)["datasources"][0]


def mount():
    return os.environ["OTS_MOUNT"]


def client(source=None, **changes):
    """An SDK client with all its defaults, but that it does not try again; `changes` go last."""
    source = source or data_source()
    options = {
        "end_point": source["endpoint"],
        "access_key_id": source["accessId"],
        "access_key_secret": source["accessKey"],
        "instance_name": source["instanceName"],
        "retry_policy": NoRetryPolicy(),
    }
    options.update(changes)
    return OTSClient(**options)


def eventually(question, is_good=bool):
    """The first good answer, or the last one there was."""
    end = time.monotonic() + PATIENCE_S
    while True:
        answer = question()
        if is_good(answer) or time.monotonic() > end:
            return answer
        time.sleep(0.05)


def refusal(call, *arguments):
    """(code, HTTP status) that the service refuses the call with; (None, None) if it does not."""
    try:
        call(*arguments)
    except OTSServiceError as error:
        return error.get_error_code(), error.get_http_status()
    return None, None


def table_meta(name, time_to_live=None):
    options = None if time_to_live is None else TimeseriesTableOptions(time_to_live)
    return TimeseriesTableMeta(name, options)


def create_table(ots, name, time_to_live=None):
    """Create a table and wait until it can be used."""
    ots.create_timeseries_table(CreateTimeseriesTableRequest(table_meta(name, time_to_live)))
    probe = GetTimeseriesDataRequest(name, key("probe"), 0, 1)
    wait = eventually(lambda: refusal(ots.get_timeseries_data, probe)[0],
                      lambda code: code is None)
    assert wait is None, f"table {name}: {wait}"


def key(measurement, source="", **tags):
    return TimeseriesKey(measurement, source, tags)


def identity(series):
    """A key in a form that can be compared."""
    return (series.measurement_name, series.data_source or "",
            tuple(sorted((series.tags or {}).items())))


def row(series, time_us, **fields):
    return TimeseriesRow(series, fields, time_us)


def typed(value):
    """A field's value with its type, bit for bit."""
    if isinstance(value, bool):
        return "BOOLEAN", value
    if isinstance(value, int):
        return "INTEGER", value
    if isinstance(value, float):
        return "DOUBLE", struct.pack(">d", value).hex()
    if isinstance(value, str):
        return "STRING", value.encode()
    if isinstance(value, (bytes, bytearray)):
        return "BINARY", bytes(value)
    raise TypeError(type(value))


def typed_fields(fields):
    return {name: typed(value) for name, value in fields.items()}


def real(bits):
    """A DOUBLE from its bits as 16 hexadecimal digits."""
    return struct.unpack(">d", bytes.fromhex(bits))[0]


def get_page(ots, table, series, begin=0, end=TIME_MAX_US, **options):
    """One page: the rows as the SDK gives them, and the token."""
    page = ots.get_timeseries_data(GetTimeseriesDataRequest(table, series, begin, end, **options))
    return page.rows or [], page.nextToken


def get_rows(ots, table, series, begin=0, end=TIME_MAX_US, **options):
    """Every row in the range, page by page."""
    rows, token = [], None
    while True:
        more, token = get_page(ots, table, series, begin, end, nextToken=token, **options)
        rows += more
        if token is None:
            return rows


def get_typed(ots, table, series, **options):
    """[(time, fields with types)] of a timeline."""
    return [(got.time_in_us, typed_fields(got.fields))
            for got in get_rows(ots, table, series, **options)]


def query_page(ots, table, condition=None, **options):
    return ots.query_timeseries_meta(QueryTimeseriesMetaRequest(table, condition, **options))


def query_keys(ots, table, condition=None, **options):
    """The keys that match, page by page, sorted."""
    keys, token = [], None
    while True:
        page = query_page(ots, table, condition, nextToken=token, **options)
        keys += [identity(meta.timeseries_key) for meta in page.timeseriesMetas]
        token = page.nextToken
        if token is None:
            return sorted(keys)

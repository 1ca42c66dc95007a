#!/usr/bin/env python3
"""delete_table.py DIR TABLE: delete a time-series table, with its rows, of the otslocal that serves DIR."""
import base64
import datetime
import hashlib
import hmac
import http.client
import json
import sys
import urllib.parse

folder, table = sys.argv[1:]
with open(folder + "/credentials.json", encoding="utf-8") as file:
    known = json.load(file)
body = b"\x0a" + bytes((len(table),)) + table.encode()
headers = {
    "x-ots-accesskeyid": known["accessId"],
    "x-ots-apiversion": "2015-12-31",
    "x-ots-contentmd5": base64.b64encode(hashlib.md5(body).digest()).decode(),
    "x-ots-date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
    "x-ots-instancename": known["instanceName"],
}
signed = "/DeleteTimeseriesTable\nPOST\n\n" + "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
mac = hmac.new(known["accessKey"].encode(), signed.encode(), hashlib.sha1)
headers["x-ots-signature"] = base64.b64encode(mac.digest()).decode()
server = http.client.HTTPConnection(urllib.parse.urlsplit(known["endpoint"]).netloc)
server.request("POST", "/DeleteTimeseriesTable", body, headers)
answer = server.getresponse()
text = answer.read()
if answer.status != 200:
    sys.exit(f"{answer.status}: {text!r}")

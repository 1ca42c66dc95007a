#!/usr/bin/env python3
"""Line protocol and file names against real data and against other readers.

    check_lp.py BUILD_DIR DATA_DIR

Needs BUILD_DIR/tests/realdata/lp_tool and the xz files of DATA_DIR. Where otsfs departs from what
other readers do, the departure is listed here with its exact number of cases; any other difference
is a failure. Ends with a line `N passed, N failed, N skipped`.
"""
import base64
import collections
import json
import lzma
import os
import struct
import subprocess
import sys

FIVE = ("golp", "influx1", "influx2", "influx3", "telegraf")
INT64_MAX = 2**63 - 1
TIME_ABSENT = 1234567890123456

# Inputs of the safe corpus that five readers accept and otsfs refuses, by reason, and how many.
REFUSED_BY_DECISION = {
    "a double quote that is no mark (`\"HH`) of otsfs": 13,
    "the service stores no unsigned number above 2^63-1": 6,
    "the service stores no time before 1970": 5,
}
# Hand-made cases on which the five readers differ, or on which otsfs departs from all of them: the
# reader that otsfs agrees with, or that it refuses the input. The reasons: docs/LINE-PROTOCOL.md.
REFUSED = "refused"
CASES = {
    "dup_tag": REFUSED,
    "leading_tab": "influx1",
    "tab_sep": REFUSED,
    "crlf": "golp",
    "crlf_no_ts": "golp",
    "meas_eq_escaped": REFUSED,
    "meas_quote": REFUSED,
    "meas_bs_bs": "influx1",
    "meas_bsbs_end": REFUSED,
    "meas_bsbs_comma": "influx1",
    "tagval_bsbs_mid": "influx1",
    "tagval_bs_end_comma": REFUSED,
    "tagval_bs_quote": REFUSED,
    "tagval_quoted_nosp": REFUSED,
    "tagval_eq_raw": REFUSED,
    "tagval_bs_lf": REFUSED,
    "tagval_tab": REFUSED,
    "tagval_bs_tab": REFUSED,
    "tagval_cr": REFUSED,
    "tagval_nul": REFUSED,
    "tagval_01": REFUSED,
    "tagval_7f": REFUSED,
    "tagval_badutf8": REFUSED,
    "fieldkey_bsbs": "influx1",
    "fieldkey_quote": REFUSED,
    "fieldkey_at": REFUSED,
    "str_bs_lone": "influx1",
    "str_bs_n": "influx1",
    "str_bs_t": "influx1",
    "str_bs_lf": "influx1",
    "str_badutf8": REFUSED,
    "int_lead0": "influx1",
    "uint_max": REFUSED,
    "float_dot_end": "influx1",
    "float_dot_start": "influx1",
    "float_exp_dotend": "influx1",
    "float_over": REFUSED,
    "float_hexf": REFUSED,
    "float_under_score": REFUSED,
    "ts_neg": REFUSED,
    "ts_min": REFUSED,
    "ts_minmin": REFUSED,
    "ts_maxmax": "golp",
    "tag_time": "influx1",
    "tag__field": "influx1",
    "tag__measurement": "influx1",
}

# Sample files: precision, rows, and refused lines by reason.
UNSIGNED = "the service stores no unsigned number above 2^63-1"
SAMPLES = {
    "telegraf-samples.lp": ("ns", 1086, {UNSIGNED: 1}),
    "influx-docs-bay-area-weather.lp": ("ns", 3288, {}),
    "influx-docs-bitcoin.lp": ("ns", 3750, {}),
    "influx-docs-eu-wind-data.lp": ("s", 3096, {}),
    "influx-docs-home-sensor-data.lp": ("s", 26, {}),
    "influx-docs-random-numbers.lp": ("ns", 721, {}),  # the last line has no LF
}

TYPE_NUMBERS = {"INTEGER": 1, "BOOLEAN": 2, "DOUBLE": 3, "STRING": 4, "BINARY": 5}


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def check(self, is_good, what, detail=""):
        if is_good:
            self.passed += 1
            return
        self.failed += 1
        if self.failed <= 40:
            print(f"FAIL {what}: {detail}")


def read(data, name):
    with lzma.open(os.path.join(data, name + ".xz")) as file:
        return file.read()


def json_lines(data, name):
    return [json.loads(line) for line in read(data, name).splitlines()]


def unbase64(text):
    return base64.b64decode(text)


def run(tool, mode, data):
    result = subprocess.run([tool] + mode, input=data, stdout=subprocess.PIPE, check=False)
    return result.returncode, result.stdout


def parse_all(tool, inputs):
    frames = b"".join(struct.pack("<I", len(text)) + text for text in inputs)
    code, output = run(tool, ["parse"], frames)
    answers = [json.loads(line) for line in output.splitlines()]
    if code != 0 or len(answers) != len(inputs):
        sys.exit(f"lp_tool parse: exit {code}, {len(answers)} answers for {len(inputs)} inputs")
    return answers


# --- rows in one form, ours and theirs -----------------------------------------------------------


def our_rows(answer):
    rows = []
    for row in answer["rows"]:
        fields = tuple(sorted(map(tuple, row["fields"])))
        tags = [tuple(tag) for tag in row["tags"]]
        if row["data_source"]:
            tags.append((base64.b64encode(b"_data_source").decode(), row["data_source"]))
        rows.append((row["measurement"], tuple(sorted(tags)), fields, int(row["time_us"])))
    return rows


TYPES = {"i": "INTEGER", "u": "INTEGER", "f": "DOUBLE", "b": "BOOLEAN", "s": "STRING"}


def their_rows(points):
    rows = []
    for point in points:
        fields = {}
        for name, kind, value in point["F"]:
            fields[name] = (TYPES[kind], value)
        time = TIME_ABSENT if point["TS"] == "none" else int(point["TS"]) // 1000
        rows.append((point["M"], tuple(sorted(map(tuple, point["T"] or []))),
                     tuple(sorted((name,) + value for name, value in fields.items())), time))
    return rows


def is_refused(answer):
    return bool(answer["problems"]) or answer["unfinished"]


# --- InfluxData's corpus -------------------------------------------------------------------------


def rejects(parser, result):
    return bool(result["E"]) or (parser == "telegraf" and not result["P"])


def safe_corpus(data):
    """The inputs on which five readers agree: (accepted, rejected)."""
    accepted = []
    rejected = []
    for case in json_lines(data, "lp-corpus-results.jsonl"):
        results = [case["r"][parser] for parser in FIVE]
        if all(rejects(parser, case["r"][parser]) for parser in FIVE):
            rejected.append(case)
        elif all(not result["E"] and result["P"] for result in results):
            rows = [their_rows(result["P"]) for result in results]
            if all(row == rows[0] for row in rows):
                accepted.append(case)
    return accepted, rejected


def check_counts(tally, what, counts, expected):
    for reason in sorted(set(counts) | set(expected)):
        tally.check(counts[reason] == expected.get(reason, 0), what,
                    f"{reason}: {counts[reason]}, expected {expected.get(reason, 0)}")
        print(f"  {what}: {counts[reason]}: {reason}")


def check_corpus(tally, tool, data):
    accepted, rejected = safe_corpus(data)
    tally.check((len(accepted), len(rejected)) == (322, 5180), "safe corpus",
                f"{len(accepted)} accepted, {len(rejected)} rejected")
    answers = parse_all(tool, [unbase64(case["in"]) for case in accepted])
    refused = collections.Counter()
    for case, answer in zip(accepted, answers):
        if is_refused(answer) and answer["problems"]:
            reasons = {problem[2] for problem in answer["problems"]}
            tally.check(reasons <= set(REFUSED_BY_DECISION), "corpus " + case["id"],
                        f"{unbase64(case['in'])[:100]} refused: {reasons}")
            refused[min(reasons)] += 1
        else:
            tally.check(our_rows(answer) == their_rows(case["r"]["golp"]["P"]),
                        "corpus " + case["id"], f"{unbase64(case['in'])[:100]} -> {answer}")
    check_counts(tally, "accepted by five, refused here", refused, REFUSED_BY_DECISION)

    answers = parse_all(tool, [unbase64(case["in"]) for case in rejected])
    for case, answer in zip(rejected, answers):
        tally.check(is_refused(answer), "corpus " + case["id"],
                    f"{unbase64(case['in'])[:100]} is rejected by all, -> {answer}")


# --- hand-made cases -----------------------------------------------------------------------------


def result_of(case, parser):
    result = case["r"][parser]
    return REFUSED if rejects(parser, result) else their_rows(result["P"])


def check_cases(tally, tool, data):
    cases = json_lines(data, "lp-cases.jsonl")
    tally.check(set(CASES) <= {case["id"] for case in cases}, "cases", "unknown ids in the list")
    for case, answer in zip(cases, parse_all(tool, [unbase64(case["in"]) for case in cases])):
        ours = REFUSED if is_refused(answer) else our_rows(answer)
        decision = CASES.get(case["id"])
        if decision is None:
            expected = result_of(case, "golp")
            is_agreed = all(result_of(case, parser) == expected for parser in FIVE)
            tally.check(is_agreed and ours == expected, "case " + case["id"],
                        f"agreed: {is_agreed}, here: {answer}")
        else:
            expected = REFUSED if decision == REFUSED else result_of(case, decision)
            tally.check(ours == expected, "case " + case["id"], f"{decision} expected: {answer}")
    print(f"  hand-made cases: {len(cases)}, of them decided in the list: {len(CASES)}")


# --- mapping vectors, both ways ------------------------------------------------------------------


def words_of(vector):
    def word(text):
        return text if text else "-"

    words = [word(vector["measurement"]), word(vector["data_source"]), str(len(vector["tags"]))]
    for name, value in vector["tags"]:
        words += [word(name), word(value)]
    words += [vector["time_us"], str(len(vector["fields"]))]
    for name, kind, value in vector["fields"]:
        text = str(value).lower() if kind == "BOOLEAN" else word(value)
        words += [base64.b64encode(name.encode()).decode(), str(TYPE_NUMBERS[kind]), text]
    return " ".join(words) + "\n"


def with_reals(line, vector, text_of):
    """The line with every finite DOUBLE's text replaced by what `text_of(text, bits)` says."""
    at = line.index(b" ", 0)
    while line[at - 1:at] == b"\\":
        at = line.index(b" ", at + 1)
    for name, kind, value in vector["fields"]:
        start = line.index(name.encode(), at)
        at = line.index(b"=", start) + 1
        if line[at:at + 1] == b'"':
            at += 1
            while line[at:at + 1] != b'"':
                at += 2 if line[at:at + 1] == b"\\" else 1
            continue
        end = min(i for i in (line.find(b",", at), line.find(b" ", at)) if i >= 0)
        if kind == "DOUBLE":
            text = text_of(line[at:end], value)
            line = line[:at] + text + line[end:]
            end = at + len(text)
        at = end
    return line


def digits_of(text):
    return text.lower().split(b"e")[0].replace(b"-", b"").replace(b".", b"").strip(b"0")


def bits_if_equal(text, bits):
    """The bits when the text is a shortest form of that double, else the text."""
    value = float(text)
    is_equal = struct.pack(">d", value).hex() == bits
    return bits.encode() if is_equal and digits_of(text) == digits_of(repr(value).encode()) else text


def check_vectors(tally, tool, data):
    vectors = json_lines(data, "mapping-vectors.jsonl")
    code, output = run(tool, ["print"], "".join(map(words_of, vectors)).encode())
    printed = [json.loads(line) for line in output.splitlines()]
    tally.check(code == 0 and len(printed) == len(vectors), "vectors", f"exit {code}")
    parsed = parse_all(tool, [unbase64(vector["line"]) + b"\n" for vector in vectors])
    again = parse_all(tool, [unbase64(answer["line"]) for answer in printed])
    for number, (vector, ours) in enumerate(zip(vectors, printed)):
        line = unbase64(ours["line"])
        expected = unbase64(vector["line"])
        tally.check(line.endswith(b"\n") and with_reals(line[:-1], vector, bits_if_equal) ==
                    with_reals(expected, vector, bits_if_equal), f"vector {number} line",
                    f"{line} expected {expected}")
        path = [unbase64(ours["directory"]).decode(), unbase64(ours["file"]).decode()]
        tally.check(path == vector["path"] and ours["reversible"], f"vector {number} path",
                    f"{path} expected {vector['path']}")
        for what, answer in (("parse", parsed[number]), ("parse of print", again[number])):
            tally.check(is_same_row(vector, answer), f"vector {number} {what}", answer)


def is_same_row(vector, answer):
    if is_refused(answer) or len(answer["rows"]) != 1:
        return False
    row = answer["rows"][0]
    fields = [[base64.b64encode(name.encode()).decode(), kind,
               str(value).lower() if kind == "BOOLEAN" else value]
              for name, kind, value in vector["fields"]]
    return (row["measurement"] == vector["measurement"] and
            row["data_source"] == vector["data_source"] and
            sorted(row["tags"]) == sorted(vector["tags"]) and
            row["time_us"] == vector["time_us"] and sorted(row["fields"]) == sorted(fields))


# --- real files ----------------------------------------------------------------------------------


def check_samples(tally, tool, data):
    for name, (precision, rows, refused) in SAMPLES.items():
        text = read(data, name)
        result = subprocess.run([tool, "echo", precision], input=text, capture_output=True,
                                check=False)
        reasons = collections.Counter(line.split(b": ")[1].decode()
                                      for line in result.stderr.splitlines())
        tally.check(result.stdout.count(b"\n") == rows, name,
                    f"{result.stdout.count(10)} rows, expected {rows}")
        tally.check(result.returncode == (1 if refused else 0), name, f"exit {result.returncode}")
        check_counts(tally, name + " refused", reasons, refused)
        second = subprocess.run([tool, "echo", precision], input=result.stdout,
                                capture_output=True, check=False)
        tally.check(second.stdout == result.stdout and second.returncode == 0, name,
                    "what was printed does not print the same again")


def check_nab(tally, tool, data):
    text = read(data, "nab-real.lp")
    code, output = run(tool, ["echo", "ns"], text)
    lines = text.splitlines()
    printed = output.splitlines()
    tally.check(code == 0 and len(lines) == len(printed), "nab-real.lp", f"exit {code}")
    for number, (line, ours) in enumerate(zip(lines, printed), 1):
        tally.check(line == ours, f"nab-real.lp:{number}", f"{ours} expected {line}")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    build, data = sys.argv[1:]
    tool = os.path.join(build, "tests/realdata/lp_tool")
    tally = Tally()
    for check in (check_corpus, check_cases, check_vectors, check_samples, check_nab):
        check(tally, tool, data)
    print(f"{tally.passed} passed, {tally.failed} failed, 0 skipped")
    sys.exit(1 if tally.failed else 0)


main()

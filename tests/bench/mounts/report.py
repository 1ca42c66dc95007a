"""The report: text, JSON, a chart, and the tables of docs/BENCHMARKS.md.

usage: report.py REPORT.JSON DOCS   (make bench-report)

Puts the report's JSON and chart into DOCS/benchmarks and its tables into DOCS/BENCHMARKS.md, between
its two markers. What was measured by hand is in DOCS/benchmarks/by-hand.json: a list of objects
with `name`, `rows_per_s`, `cpu_us_per_row`, `peak_mb`, `begun` and `how`.
"""
import json
import os
import re
import sys

from chart import chart
from figures import OPERATORS, line_of, number_of

BEGIN, END = "<!-- figures: by make bench-report -->", "<!-- end of figures -->"
# What is compared with what was measured by hand: ours, the field, the goal of the ratio.
BY_HAND = (("", "rows_per_s", "rows/s", ">=", 10),
           (": CPU", "cpu_us_per_row", "us/row", "<=", 1 / 15),
           (": peak memory", "peak_mb", "MB", "<=", 1 / 10))
COPIES = ("cp -r between two mounts, source never seen", "cp -r inside one mount of both")


def machine_of(report):
    machine = report["machine"]
    return (f"{machine['cores']} x {machine['cpu']}, {machine['memory_gb']} GB, {machine['system']}, "
            f"Linux {machine['linux']}")


def versions_of(section):
    return ", ".join(f"{name} {text}" for name, text in section["versions"].items())


def head_of(section):
    return f"{section['begun']}, scale {section['scale']}, {section['seconds']} s, load before {section['load']:.1f}"


def sections_of(report):
    return [(name, report["sections"][name]) for name in report["order"] if name in report["sections"]]


def figures_of(report):
    return [entry for _, section in sections_of(report) for entry in section["figures"]]


def read(folder):
    """The report that is there, or an empty one."""
    try:
        with open(os.path.join(folder, "report.json"), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {"sections": {}}


def write(folder, report):
    os.makedirs(folder, exist_ok=True)
    lines = [machine_of(report)]
    for name, section in sections_of(report):
        lines += ["", f"{name}: {head_of(section)}", versions_of(section)]
        lines += [line_of(entry) for entry in section["figures"]]
        for bench, text in section["text"].items():
            lines += [f"bench_{bench}:", *text]
    with open(os.path.join(folder, "report.txt"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    write_json(os.path.join(folder, "report.json"), report)
    write_chart(os.path.join(folder, "chart.svg"), report, [])


def write_json(path, report):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)
        file.write("\n")


def write_chart(path, report, by_hand):
    with open(path, "w", encoding="utf-8") as file:
        file.write(chart(machine_of(report), sections_of(report), by_hand))


def beside_by_hand(report, by_hand):
    """Our copies beside each of what was measured by hand."""
    ours = {entry["figure"]: entry for entry in figures_of(report) if entry["bench"] == "copy"}
    entries = []
    for other in by_hand:
        for way in COPIES:
            for suffix, field, unit, relation, goal in BY_HAND:
                if way + suffix not in ours or not other.get(field):
                    continue
                value = ours[way + suffix]["value"]
                ratio = value / other[field]
                entries.append({"bench": "copy", "figure": way + suffix, "unit": unit, "value": value,
                                "peer": other["name"], "peer_value": other[field], "ratio": ratio,
                                "goal": {"of": "ratio", "is": relation, "number": goal},
                                "is_reached": OPERATORS[relation](ratio, goal)})
    return entries


def cell(text):
    return str(text).replace("|", "\\|")


def goal_text(entry):
    goal = entry["goal"]
    sign = {"<=": "at most", ">=": "at least"}[goal["is"]]
    return f"{sign} {number_of(goal['number'])}" + (" x" if goal["of"] == "ratio" else f" {entry['unit']}")


def row_of(entry):
    value = f"{number_of(entry['value'])} {entry['unit']}".strip()
    beside = ""
    if "ratio" in entry:
        beside = f"{entry['ratio']:.3g} x {entry['peer']} ({number_of(entry['peer_value'])})"
    return [entry["figure"], value, beside]


def table(head, rows):
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head),
            *("| " + " | ".join(cell(text) for text in row) + " |" for row in rows)]


def tables(report, by_hand):
    wanted = [entry for entry in figures_of(report) + beside_by_hand(report, by_hand) if "goal" in entry]
    reached = {True: "yes", False: "**no**", None: ""}
    lines = [machine_of(report) + ".", "", "### Goals", ""]
    lines += table(["", "figure", "measured", "beside", "goal", "reached"],
                   [[entry["bench"], *row_of(entry), goal_text(entry), reached[entry.get("is_reached")]]
                    for entry in wanted])
    for name, section in sections_of(report):
        lines += ["", f"### {name}", "", f"{head_of(section)}; {versions_of(section)}.", ""]
        others = [row_of(entry) for entry in section["figures"] if "goal" not in entry]
        lines += table(["figure", "measured", "beside"], others) if others else []
        for bench, text in section["text"].items():
            lines += ["", f"`bench_{bench}`:", "", *("    " + line for line in text)]
    if by_hand:
        lines += ["", "### Measured by hand", ""]
        lines += table(["", "when", "rows/s", "CPU us/row", "peak MB", "how"],
                       [[one["name"], one["begun"], number_of(one["rows_per_s"]), number_of(one["cpu_us_per_row"]),
                         number_of(one["peak_mb"]), one["how"]] for one in by_hand])
    return lines


def publish(path, docs):
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    folder = os.path.join(docs, "benchmarks")
    os.makedirs(folder, exist_ok=True)
    by_hand = []
    if os.path.exists(os.path.join(folder, "by-hand.json")):
        with open(os.path.join(folder, "by-hand.json"), encoding="utf-8") as file:
            by_hand = json.load(file)
    write_json(os.path.join(folder, "report.json"), report)
    write_chart(os.path.join(folder, "chart.svg"), report, by_hand)
    page = os.path.join(docs, "BENCHMARKS.md")
    with open(page, encoding="utf-8") as file:
        text = file.read()
    made = "\n".join([BEGIN, "", *tables(report, by_hand), "", END])
    text, count = re.subn(re.escape(BEGIN) + ".*" + re.escape(END), lambda _: made, text, flags=re.S)
    if count != 1:
        sys.exit(f"{page} lacks its markers")
    with open(page, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    publish(*sys.argv[1:])

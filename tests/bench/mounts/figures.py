"""Figures as they come, each beside its peer and its goal; the same fields as the C benchmarks
print with BENCH_JSON=1, and some more."""
import json
import operator
import statistics

OPERATORS = {"<=": operator.le, ">=": operator.ge}


def median(values):
    return statistics.median(values) if values else 0


class Figures:
    def __init__(self):
        self.all = []

    def add(self, bench, figure, unit, values, peer=None, goal=None, is_count=False):
        """`values`: one for each run. `peer`: (its name, one for each run). `goal`: ("ratio" or
        "value", "<=" or ">=", number). A count is what a test may insist on: its best run counts,
        because a busy machine lets batches go before they are full."""
        values = list(values) if isinstance(values, (list, tuple)) else [values]
        entry = {"bench": bench, "figure": figure, "unit": unit, "value": median(values)}
        if is_count:
            entry["value"] = min(values)
            entry["is_count"] = True
        if len(values) > 1:
            entry["runs"] = values
        if peer:
            peer_values = peer[1] if isinstance(peer[1], (list, tuple)) else [peer[1]]
            entry["peer"], entry["peer_value"] = peer[0], median(peer_values)
            if entry["peer_value"]:
                entry["ratio"] = entry["value"] / entry["peer_value"]
        if goal:
            entry["goal"] = {"of": goal[0], "is": goal[1], "number": goal[2]}
        self.take(entry)
        return entry["value"]

    def take(self, entry):
        goal = entry.get("goal")
        if goal and goal["of"] in entry:
            entry["is_reached"] = OPERATORS[goal["is"]](entry[goal["of"]], goal["number"])
        self.all.append(entry)
        print(line_of(entry), flush=True)

    def take_lines(self, text):
        """Lines of JSON of another benchmark. The others are its text, and are given back."""
        rest = []
        for line in text.splitlines():
            if not line.startswith("{"):
                rest.append(line)
                continue
            entry = json.loads(line)
            if (entry["figure"], entry["unit"]) in GOALS:
                of, relation, number = GOALS[entry["figure"], entry["unit"]]
                entry["goal"] = {"of": of, "is": relation, "number": number}
            self.take(entry)
        return rest

    def missed_counts(self):
        return [entry for entry in self.all if entry.get("is_count") and entry.get("is_reached") is False]


# What is wanted of figures that other programs measure.
GOALS = {
    ("rsync_unchanged", "ms"): ("ratio", "<=", 4),
    ("print, 2 decimals, hosts", "MB/s"): ("value", ">=", 1000),
    ("print, 2 decimals, one", "MB/s"): ("value", ">=", 1000),
    ("parse, 2 decimals, hosts", "MB/s"): ("value", ">=", 1000),
    ("parse, 2 decimals, one", "MB/s"): ("value", ">=", 1000),
}


def number_of(value):
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def line_of(entry):
    line = f"{entry['bench']:<8} {entry['figure']:<52} {number_of(entry['value']):>11} {entry['unit']:<12}"
    if "ratio" in entry:
        line += f" {entry['ratio']:8.3g} x {entry['peer']} ({number_of(entry['peer_value'])})"
    if "goal" in entry:
        goal = entry["goal"]
        line += f"  goal {'' if goal['of'] == 'value' else 'x '}{goal['is']} {number_of(goal['number'])}"
        line += ": reached" if entry.get("is_reached") else ": NOT reached"
    return line.rstrip()

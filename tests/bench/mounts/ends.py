"""Both ends of one very long timeline, and one window of changes in a large table."""
import datetime
import os
import subprocess
import time

from lab import wait_until

FILE = ("t", "m0", "az=b,host=h0000000.lp")


def ends(lab, figures, scale):
    rows = scale["long_rows"]
    source = lab.server("from")
    source.bare("fill", "t", 1, rows)
    with lab.mounted([source], "known") as mount:
        mount.know("t")
        size = os.stat(mount.at(*FILE)).st_size
    name = f"timeline of {size / 1e6:,.0f} MB"
    for tool, what, most in ((("head", "-c1"), "head -c1", 2), (("tail", "-n10"), "tail -n 10", 3)):
        # Sizes come from this mount's own scan, or from the state that an earlier one left.
        tell_end(figures, source, rows, most, f"{what}, {name}",
                 [one_end(lab, source, f"new {what} {number}", tool) for number in range(scale["runs"])])
        tell_end(figures, source, rows, most, f"{what}, mounted again, {name}",
                 [one_end(lab, source, "known", tool) for _ in range(scale["runs"])])
    lab.clear()


def one_end(lab, source, state, tool):
    with lab.mounted([source], state) as mount:
        mount.know("t")
        with lab.cost([mount], [source]) as cost:
            cost.run(*tool, mount.at(*FILE))
            # What a read-ahead asks for is sent at once.
            time.sleep(0.2)
    return cost


def tell_end(figures, source, rows, most, name, costs):
    figures.add("ends", name, "ms", [1000 * cost.seconds for cost in costs])
    figures.add("ends", f"{name}: requests", "", [cost.calls(source) for cost in costs],
                goal=("value", "<=", most), is_count=True)
    figures.add("ends", f"{name}: rows read", f"of {rows:,}", [cost.rows_read(source) for cost in costs])


def boundary():
    """A second, as views name it, that begins after now; returns when it has begun."""
    second = int(time.time()) + 1
    wait_until(lambda: time.time() > second, "a second")
    return datetime.datetime.fromtimestamp(second, datetime.timezone.utc).strftime("%Y%m%d%H%M%SZ")


def stream_is_read(server):
    """No record for a while: the mount has read the stream to its end."""
    seen = -1
    while True:
        now = server.actions().get("GetStreamRecord", {}).get("rows_out", 0)
        if now == seen:
            return
        seen = now
        time.sleep(1.5)


def window(lab, figures, scale):
    timelines, rows = scale["copy"]
    changed = timelines * scale["changed_rows"]
    source = lab.server("from")
    source.bare("fill", "t", timelines, rows)
    start = boundary()
    source.bare("fill", "t", timelines, scale["changed_rows"], rows)
    end = boundary()
    costs, copied = [], 0
    for number in range(scale["runs"]):
        out = lab.in_memory(f"out{number}")
        with lab.mounted([source], "known") as mount:
            subprocess.run(["ls", mount.at("t")], check=True, stdout=subprocess.DEVNULL)
            stream_is_read(source)
            view = mount.at("t", ".changes", f"{start}-{end}")
            # Naming a window asks for the stream and its time, and reads nothing.
            wait_until(lambda path=view: os.path.isdir(path), f"{view} to be complete")
            with lab.cost([mount], [source]) as cost:
                cost.run("cp", "-r", view, out)
            costs.append(cost)
        copied = sum(sum(1 for _ in open(os.path.join(folder, name), "rb"))
                     for folder, _, names in os.walk(out) for name in names)
        figures.must(copied == changed, f"rows of the window: {copied}, not {changed}")
    name = f"window of {changed:,} rows of {timelines * rows:,}"
    figures.add("window", f"cp -r, {name}", "ms", [1000 * cost.seconds for cost in costs])
    figures.add("window", f"{name}: stream records read", "per row",
                [cost.count(source, "GetStreamRecord", "rows_out") / changed for cost in costs],
                goal=("value", "<=", 1), is_count=True)
    figures.add("window", f"{name}: other rows read", "", [cost.rows_read(source) for cost in costs],
                goal=("value", "<=", 0), is_count=True)
    figures.add("window", f"{name}: peak memory of otsfs", "MB", [cost.client_mb for cost in costs])
    lab.clear()

"""Many small timelines: tools that walk a measured table, against the same tools on tmpfs; the same
with latency; and very many timelines."""
import shutil
import subprocess


def walk(lab, source, tool):
    """One run of a tool over the table in a new mount that knows all sizes and no text."""
    with lab.mounted([source], "known") as mount:
        mount.know("t")
        with lab.cost([mount], [source]) as cost:
            cost.run(*tool(mount.at("t")), may_fail=True)
    return cost


def in_tmpfs(lab, base, tool):
    with lab.cost() as cost:
        cost.run(*tool(base), may_fail=True)
    return cost


def tools(lab):
    """Name, goal, the command for a table's directory."""
    out = lab.in_memory("out")
    return (
        ("cp -r to tmpfs", 8, lambda table: ("cp", "-r", table, out)),
        ("grep -r", 5, lambda table: ("grep", "-r", "state=\"off", table)),
        ("rsync -a to tmpfs, first", 7, lambda table: ("rsync", "-a", table + "/", out)),
    )


def filled(lab, scale):
    """A measured table and the same in tmpfs."""
    timelines, rows = scale["files"]
    source = lab.server("from")
    source.bare("fill", "t", timelines, rows)
    base = lab.in_memory("base")
    with lab.mounted([source], "known") as mount:
        mount.know("t")
        shutil.copytree(mount.at("t"), base)
    return source, base, timelines * rows


def files(lab, figures, scale):
    source, base, total = filled(lab, scale)
    timelines = scale["files"][0]
    for name, goal, tool in tools(lab):
        ours, theirs = [], []
        for _ in range(scale["runs"]):
            ours.append(walk(lab, source, tool))
            shutil.rmtree(lab.in_memory("out"), ignore_errors=True)
            theirs.append(in_tmpfs(lab, base, tool))
            if name.startswith("cp"):
                same = subprocess.run(["diff", "-rq", base, lab.in_memory("out")], check=False)
                figures.must(same.returncode == 0, "the copy equals the table")
            shutil.rmtree(lab.in_memory("out"), ignore_errors=True)
        tell_walk(figures, f"{name}, {timelines:,} timelines", ours, theirs, goal, total, source)
    between_mounts(lab, figures, scale, source, base, total)
    lab.clear()


def latency(lab, figures, scale):
    source, _, _ = filled(lab, scale)
    for name, _, tool in tools(lab):
        costs = {0: [], 5: []}
        for delay in costs:
            source.delay(delay)
            for _ in range(min(scale["runs"], scale["slow_runs"])):
                costs[delay].append(walk(lab, source, tool))
                shutil.rmtree(lab.in_memory("out"), ignore_errors=True)
        name = f"{name}, {scale['files'][0]:,} timelines, 5 ms added"
        figures.add("latency", name, "ms", [1000 * cost.seconds for cost in costs[5]],
                    ("without", [1000 * cost.seconds for cost in costs[0]]), ("ratio", "<=", 1.5))
        figures.add("latency", f"{name}: requests", "", [cost.calls(source) for cost in costs[5]],
                    ("without", [cost.calls(source) for cost in costs[0]]))
    source.delay(0)
    lab.clear()


def tell_walk(figures, name, ours, theirs, goal, total, source):
    times = [1000 * cost.seconds for cost in ours]
    figures.add("files", name, "ms", times, ("tmpfs", [1000 * cost.seconds for cost in theirs]), ("ratio", "<=", goal))
    figures.add("files", f"{name}: CPU of otsfs and tool", "us/row", [1e6 * cost.client_cpu_s / total for cost in ours])
    figures.add("files", f"{name}: peak memory of otsfs", "MB", [cost.client_mb for cost in ours])
    figures.add("files", f"{name}: requests", "", [cost.calls(source) for cost in ours], is_count=True)
    figures.add("files", f"{name}: rows fetched twice", f"of {total:,} rows",
                [max(0, cost.rows_read(source) - total) for cost in ours], goal=("value", "<=", 0), is_count=True)


def between_mounts(lab, figures, scale, source, base, total):
    """cp -r and the first rsync from mount to mount. tmpfs is not asked to make anything durable, so
    the time is that of the tool; what is stored afterwards is told beside it."""
    timelines = scale["files"][0]
    for name, goal, tool in (("cp -r", 8, ("cp", "-rT")), ("rsync -a", 7, ("rsync", "-a"))):
        ours, stored, theirs = [], [], []
        for number in range(scale["runs"]):
            target = lab.server(f"{tool[0]}{number}")
            with lab.mounted([source], "known") as left, lab.mounted([target], target.name) as right:
                left.know("t")
                subprocess.run(["mkdir", right.at("t")], check=True)
                with lab.cost([left, right], [source, target]) as cost:
                    cost.run(*tool, left.at("t") + "/", right.at("t"))
                    ours.append(1000 * cost.seconds)
                    cost.run("sync", right.at("t"))
                stored.append(cost)
            figures.must(cost.count(target, "PutTimeseriesData", "rows_in") >= total, f"{name}: rows that were put")
            cost.puts = cost.count(target, "PutTimeseriesData")
            target.remove()
            out = lab.in_memory("out")
            theirs.append(1000 * in_tmpfs(lab, base, lambda table, o=out, t=tool: (*t, table + "/", o)).seconds)
            shutil.rmtree(out)
        name = f"{name} between mounts, {timelines:,} timelines"
        figures.add("files", name, "ms", ours, ("tmpfs", theirs), ("ratio", "<=", goal))
        figures.add("files", f"{name}, and stored", "ms", [1000 * cost.seconds for cost in stored], ("tmpfs", theirs))
        figures.add("files", f"{name}: peak memory of both", "MB", [cost.client_mb for cost in stored])
        figures.add("files", f"{name}: puts", "per 10^6 rows", [1e6 * cost.puts / total for cost in stored],
                    goal=("value", "<=", 5500), is_count=True)


def million(lab, figures, scale):
    """Listings of very many timelines of one row each: in one table, and all of them in one measurement."""
    listings(lab, figures, scale, 10, f"{scale['timelines']:,} timelines")
    listings(lab, figures, scale, 1, f"{scale['timelines']:,} timelines of one measurement")


def listings(lab, figures, scale, measurements, name):
    source = lab.server("from")
    source.bare("fill", "t", scale["timelines"], 1, 0, measurements)
    pages = [source.bare("list", "t")["seconds"] for _ in range(scale["runs"])]
    scans = [source.bare("scan", "t")["seconds"] for _ in range(scale["runs"])]
    cold = []
    for number in range(scale["runs"]):
        with lab.mounted([source], f"new{number}") as mount, lab.cost([mount], [source]) as cost:
            cost.run("ls", "-fR", mount.at("t"))
        cold.append(1000 * cost.seconds)
    figures.add("million", f"first listing, {name}", "ms", cold, ("pages of metadata", [1000 * s for s in pages]))
    figures.add("million", f"first listing, {name}, beside a scan", "ms", cold, ("bare scan", [1000 * s for s in scans]))
    with lab.mounted([source], "known") as mount:
        mount.know("t")
    with lab.mounted([source], "known") as mount:
        with lab.cost([mount], [source]) as cost:
            cost.run("ls", "-fR", mount.at("t"))
        figures.add("million", f"first listing of a known table, {name}", "ms", 1000 * cost.seconds)
        cached = []
        for _ in range(scale["runs"]):
            with lab.cost([mount], [source]) as cost:
                cost.run("ls", "-lR", mount.at("t"))
            cached.append(1000 * cost.seconds)
        figures.add("million", f"ls -lR, cached, {name}", "ms", cached, goal=("value", "<=", 7000))
        figures.add("million", f"ls -lR, cached, {name}: rows read", "", cost.rows_read(source),
                    goal=("value", "<=", 0), is_count=True)
        rsync_unchanged(lab, figures, scale, source, mount, name)
        figures.add("million", f"peak memory of otsfs, {name}", "MB", process_peak_mb(mount), goal=("value", "<=", 300))
    lab.clear()


def process_peak_mb(mount):
    with open(f"/proc/{mount.pid}/status", encoding="ascii", errors="replace") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024


def rsync_unchanged(lab, figures, scale, source, left, name):
    target = lab.server("to")
    with lab.mounted([target], "to") as right:
        subprocess.run(["mkdir", right.at("t")], check=True)
        command = ("rsync", "-a", left.at("t") + "/", right.at("t"))
        with lab.cost([left, right], [source, target]) as cost:
            cost.run(*command)
            cost.run("sync", right.at("t"))
        figures.add("million", f"rsync -a, first, {name}", "ms", 1000 * cost.seconds)
        figures.add("million", f"rsync -a, first, {name}: rows fetched twice", f"of {scale['timelines']:,} rows",
                    max(0, cost.rows_read(source) - scale["timelines"]), is_count=True)
        costs = []
        for _ in range(scale["runs"]):
            with lab.cost([left, right], [source, target]) as cost:
                cost.run(*command)
            costs.append(cost)
        figures.add("million", f"rsync -a, nothing changed, {name}", "ms", [1000 * one.seconds for one in costs],
                    goal=("value", "<=", 40000))
        figures.add("million", f"rsync -a, nothing changed, {name}: rows read", "",
                    [one.rows_read(source) + one.rows_read(target) for one in costs],
                    goal=("value", "<=", 0), is_count=True)
        figures.add("million", f"peak memory of the target's otsfs, {name}", "MB", process_peak_mb(right),
                    goal=("value", "<=", 300))

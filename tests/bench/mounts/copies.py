"""A full copy of a table: between two mounts, inside one mount, and the bare client beside them."""

WAYS = {
    "between": "cp -r between two mounts",
    "new": "cp -r between two mounts, source never seen",
    "inside": "cp -r inside one mount of both",
}


def one_copy(lab, figures, way, number, source, total):
    """The cost of a copy to a new server, of which nothing is known."""
    target = lab.server(f"to{number}")
    state = f"new{number}" if way == "new" else "known"
    with lab.mounted([source, target] if way == "inside" else [source], state) as left:
        if way != "new":
            left.know("from" if way == "inside" else "", "t")
        if way == "inside":
            cost = copied(lab, [left], source, target, left.at("from", "t"), left.at(target.name))
        else:
            with lab.mounted([target], f"target{number}") as right:
                cost = copied(lab, [left, right], source, target, left.at("t"), right.path)
    figures.must(cost.count(target, "PutTimeseriesData", "rows_in") == total, f"{way}: rows that were put")
    cost.puts = cost.count(target, "PutTimeseriesData")
    cost.twice = max(0, cost.rows_read(source) - total)
    target.remove()
    return cost


def copied(lab, mounts, source, target, table, folder):
    with lab.cost(mounts, [source, target]) as cost:
        cost.run("cp", "-r", table, folder)
        cost.run("sync", folder + "/t")
    return cost


def bare_copy(lab, number, source):
    target = lab.server(f"bare{number}")
    got = source.bare("copy", "t", target.folder)
    target.remove()
    return got


def copy(lab, figures, scale):
    timelines, rows = scale["copy"]
    total = timelines * rows
    source = lab.server("from")
    source.bare("fill", "t", timelines, rows)
    with lab.mounted([source], "known") as mount:
        mount.know("t")
    costs = {way: [] for way in WAYS}
    bare = []
    for number in range(scale["runs"]):
        bare.append(bare_copy(lab, number, source))
        for at, (way, taken) in enumerate(costs.items()):
            taken.append(one_copy(lab, figures, way, 10 * number + at, source, total))
    tell_copies(figures, costs, bare, total)
    lab.clear()


def tell_copies(figures, costs, bare, total):
    name = f"{total:,} rows"
    peer = "bare scan and put"
    for way, taken in costs.items():
        what = WAYS[way]
        inside = way == "inside"
        figures.add("copy", f"{what}", "rows/s", [total / cost.seconds for cost in taken],
                    (peer, [total / one["seconds"] for one in bare]), ("ratio", ">=", 0.7) if inside else None)
        figures.add("copy", f"{what}: CPU", "us/row", [1e6 * cost.client_cpu_s / total for cost in taken],
                    (peer, [1e6 * one["cpu_seconds"] / total for one in bare]))
        figures.add("copy", f"{what}: CPU of otslocal", "us/row", [1e6 * cost.server_cpu_s / total for cost in taken])
        figures.add("copy", f"{what}: peak memory", "MB", [cost.client_mb for cost in taken],
                    (peer, [one["peak_kb"] / 1024 for one in bare]))
        figures.add("copy", f"{what}: peak memory of cp", "MB", [cost.peaks_mb["cp"] for cost in taken])
        figures.add("copy", f"{what}: puts", "per 10^6 rows", [1e6 * cost.puts / total for cost in taken],
                    goal=("value", "<=", 5500), is_count=True)
        figures.add("copy", f"{what}: rows fetched twice", f"of {name}", [cost.twice for cost in taken],
                    goal=("value", "<=", 0), is_count=True)

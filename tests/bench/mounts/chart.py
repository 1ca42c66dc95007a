"""A report as an SVG: bars of the copies' speed and CPU, and of tools as multiples of tmpfs."""
import re
from html import escape

from figures import number_of

WIDTH, LEFT, BAR_MAX, LINE = 760, 250, 400, 24
NAMES = {"rsync_unchanged": "rsync -a, nothing changed"}
OURS, PEER = "#2a6f97", "#b0b7bd"


def bars(title, rows, at, note):
    """`rows`: (name, value, colour, goal or None). Returns SVG elements and the next free y."""
    most = max([1e-9] + [value for _, value, _, _ in rows] + [goal for *_, goal in rows if goal])
    out = [f'<text x="16" y="{at}" class="title">{escape(title)}</text>',
           f'<text x="{WIDTH - 16}" y="{at}" class="note" text-anchor="end">{escape(note)}</text>']
    for index, (name, value, colour, goal) in enumerate(rows):
        top = at + 12 + LINE * index
        size = max(1, BAR_MAX * value / most)
        out += [f'<text x="{LEFT - 8}" y="{top + 13}" text-anchor="end">{escape(name)}</text>',
                f'<rect x="{LEFT}" y="{top}" width="{size:.0f}" height="17" fill="{colour}"/>',
                f'<text x="{LEFT + max(size, BAR_MAX * (goal or 0) / most) + 6:.0f}" y="{top + 13}">{number_of(value)}</text>']
        if goal:
            x = LEFT + BAR_MAX * goal / most
            out.append(f'<line x1="{x:.0f}" y1="{top - 2}" x2="{x:.0f}" y2="{top + 19}" stroke="#c1121f" stroke-width="2"/>')
    return out, at + 12 + LINE * len(rows) + 30


def copies(figures, by_hand, suffix, field):
    """One row for each way to copy, and the peers."""
    rows, peers = [], {}
    for entry in figures:
        if entry["bench"] != "copy" or entry["figure"].count(":") != suffix.count(":") or not entry["figure"].endswith(suffix):
            continue
        if "peer" in entry:
            rows.append((entry["figure"].removesuffix(suffix).replace("source never seen", "cold"), entry["value"], OURS, None))
            peers[entry["peer"]] = entry["peer_value"]
    rows += [(name, value, PEER, None) for name, value in peers.items()]
    rows += [(other["name"], other[field], PEER, None) for other in by_hand if other.get(field)]
    return rows


def walks(figures):
    rows = []
    for entry in figures:
        goal = entry.get("goal", {})
        if entry.get("peer") == "tmpfs" and goal.get("of") == "ratio":
            name = re.sub(", [0-9,]+ timelines$", "", entry["figure"])
            rows.append((NAMES.get(name, name), entry["ratio"], OURS, goal["number"]))
    return rows


def chart(machine, sections, by_hand):
    """`sections`: names and what a report has of them."""
    figures = [entry for _, section in sections for entry in section["figures"]]
    panels = (("Copy of a table, rows/s", copies(figures, by_hand, "", "rows_per_s"), "more is better"),
              ("CPU of the clients, us/row", copies(figures, by_hand, ": CPU", "cpu_us_per_row"), "less is better"),
              ("Many small timelines, times tmpfs", walks(figures), "less is better; red: the goal"))
    body, at = [], 34
    for title, rows, note in panels:
        if rows:
            more, at = bars(title, rows, at, note)
            body += more
    shown = [section for name, section in sections if name in ("copy", "files", "unchanged")]
    when = ", ".join(sorted({f"{section['begun'][:10]} at scale {section['scale']}" for section in shown}))
    body.append(f'<text x="16" y="{at}" class="note">{escape(machine)}; {escape(when)}</text>')
    style = ("text { font: 13px sans-serif; fill: #333 } .title { font-weight: bold; font-size: 15px } "
             ".note { fill: #777; font-size: 12px }")
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{at + 16}" '
            f'viewBox="0 0 {WIDTH} {at + 16}">\n<style>{style}</style>\n'
            f'<rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join(body) + "\n</svg>\n")

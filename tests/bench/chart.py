# SPDX-License-Identifier: MIT
"""The chart of `make bench`: for each operation a bar, as long as its share of Xen's count."""

from xml.sax.saxutils import escape

ROW_HEIGHT, BAR_HEIGHT, MARGIN = 20, 13, 12
NAME_WIDTH, BAR_WIDTH, VALUE_WIDTH = 300, 360, 190
HEAD = 48

GOOD, FAIR, BAD = "#2e7d5b", "#c58b1a", "#b3392f"


def text(x, y, content, anchor="start", fill="#222"):
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{fill}">{escape(content)}</text>'


def line(x, top, bottom, dashes):
    return (f'<line x1="{x}" y1="{top}" x2="{x}" y2="{bottom}" stroke="#888"'
            f' stroke-dasharray="{dashes}"/>')


def colour(ratio, target):
    return GOOD if ratio <= target else FAIR if ratio <= 1 else BAD


def draw(rows, target):
    """The SVG of a list of {name, pavane, xen, ratio}. The scale ends at the largest ratio."""
    left = MARGIN + NAME_WIDTH
    longest = max([1.0] + [row["ratio"] for row in rows if row["ratio"] is not None])
    scale = BAR_WIDTH / longest
    width = left + BAR_WIDTH + VALUE_WIDTH + MARGIN
    bottom = HEAD + len(rows) * ROW_HEIGHT
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{bottom + MARGIN}"'
             ' font-family="sans-serif" font-size="12">',
             '<rect width="100%" height="100%" fill="#fff"/>',
             text(MARGIN, 20, "Instructions for each operation, Pavane as a share of Xen 4.17"),
             text(left + target * scale, HEAD - 8, f"{target:g}", "middle", "#666"),
             text(left + scale, HEAD - 8, "Xen", "middle", "#666")]
    for i, row in enumerate(rows):
        top = HEAD + i * ROW_HEIGHT
        base = top + BAR_HEIGHT
        parts.append(text(left - 8, base - 2, row["name"], "end"))
        if row["ratio"] is None:
            parts.append(text(left + 6, base - 2, "no figure", fill="#888"))
            continue
        length = max(row["ratio"] * scale, 1)
        parts.append(f'<rect x="{left}" y="{top}" width="{length:.1f}" height="{BAR_HEIGHT}"'
                     f' fill="{colour(row["ratio"], target)}"/>')
        parts.append(text(left + BAR_WIDTH + 8, base - 2,
                          f'{row["ratio"]:.2f}   {row["pavane"]:,} / {row["xen"]:,}'))
    parts += [line(left + target * scale, HEAD - 4, bottom, "2 3"),
              line(left + scale, HEAD - 4, bottom, "none"), "</svg>"]
    return "\n".join(parts) + "\n"

"""Text laid out for fixed-width fonts: wrapping, columns, tables."""


def wrap(text, width):
    """Lines of at most `width` characters; a longer word gets a line of its own."""
    if width < 1:
        raise ValueError("width must be at least 1")
    lines = []
    line = ""
    for word in text.split():
        if not line:
            line = word
        elif len(line) + 1 + len(word) <= width:
            line += " " + word
        else:
            lines.append(line)
            line = word
    if line:
        lines.append(line)
    return lines


def justify(line, width):
    """The words of `line` spread to `width`; what is left over widens the first gaps."""
    words = line.split()
    if len(words) < 2:
        return line.strip().ljust(width)
    spaces = width - sum(len(word) for word in words)
    count = len(words) - 1
    if spaces < count:
        return " ".join(words)
    each, extra = divmod(spaces, count)
    result = words[0]
    for index, word in enumerate(words[1:]):
        result += " " * (each + (1 if index < extra else 0)) + word
    return result


def shorten(text, width, mark="..."):
    """The text cut to `width`, with `mark` at its end if something was cut."""
    if len(text) <= width:
        return text
    if width <= len(mark):
        return mark[:width]
    return text[:width - len(mark)].rstrip() + mark


def table(rows, header=None, gap=2):
    """Rows as lines with aligned columns; numbers stand to the right."""
    body = [[str(cell) for cell in row] for row in rows]
    head = [list(header)] if header else []
    count = max((len(row) for row in head + body), default=0)
    widths = [0] * count
    for row in head + body:
        for index, cell in enumerate(row):
            widths[index] = max(widths[index], len(cell))
    lines = []
    for row, cells in zip([header] * len(head) + list(rows), head + body):
        parts = []
        for index, cell in enumerate(cells):
            is_number = isinstance(row[index], (int, float))
            parts.append(cell.rjust(widths[index]) if is_number else cell.ljust(widths[index]))
        lines.append((" " * gap).join(parts).rstrip())
    if head:
        lines.insert(1, (" " * gap).join("-" * width for width in widths))
    return lines


def indent(lines, depth, first=True):
    """Each line moved to the right by four spaces a level; empty lines stay empty."""
    result = []
    for number, line in enumerate(lines):
        skip = number == 0 and not first
        result.append(line if skip or not line else " " * (4 * depth) + line)
    return result

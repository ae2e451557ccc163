"""Durations written as text: `1h30m`, `2d`, `45s`."""

UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def parse_duration(text):
    """Seconds of a text such as `1h30m`; units go from large to small, each at most once."""
    text = text.strip()
    negative = text.startswith("-")
    if negative:
        text = text[1:]
    if not text:
        raise ValueError("empty duration")
    total = 0
    number = ""
    last_unit = None
    for char in text:
        if char.isdigit():
            number += char
            continue
        if char not in UNITS or not number:
            raise ValueError("unexpected " + repr(char))
        if last_unit is not None and UNITS[char] >= UNITS[last_unit]:
            raise ValueError("units out of order")
        total += int(number) * UNITS[char]
        number = ""
        last_unit = char
    if number:
        raise ValueError("number without unit")
    return -total if negative else total


def format_duration(seconds, largest="d"):
    """Text of so many seconds, with no unit above `largest`; zero is `0s`."""
    sign = "-" if seconds < 0 else ""
    rest = abs(seconds)
    parts = []
    started = False
    for unit, size in UNITS.items():
        if unit == largest:
            started = True
        if not started:
            continue
        count, rest = divmod(rest, size)
        if count > 0:
            parts.append(str(count) + unit)
    return sign + "".join(parts) if parts else "0s"


def round_duration(seconds, step):
    """Seconds rounded to the nearest multiple of `step`; halves go up."""
    if step <= 0:
        raise ValueError("step must be positive")
    return (seconds + step // 2) // step * step

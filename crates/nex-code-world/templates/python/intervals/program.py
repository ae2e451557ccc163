"""Sets of half-open intervals of integers: a list of pairs `(start, end)` with `start < end`."""


def normalize(intervals):
    """The same set as sorted intervals that neither overlap nor touch."""
    merged = []
    for start, end in sorted(intervals):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            last_start, last_end = merged[-1]
            merged[-1] = (last_start, max(last_end, end))
        else:
            merged.append((start, end))
    return merged


def covers(intervals, point):
    """Whether `point` lies in one of the intervals; an end does not belong to its interval."""
    return any(start <= point and point < end for start, end in intervals)


def total_length(intervals):
    """How many points the set holds, counting each once."""
    return sum(end - start for start, end in normalize(intervals))


def intersect(left, right):
    """The points that both sets hold."""
    left, right = normalize(left), normalize(right)
    result = []
    i = j = 0
    while i < len(left) and j < len(right):
        start = max(left[i][0], right[j][0])
        end = min(left[i][1], right[j][1])
        if start < end:
            result.append((start, end))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return result


def subtract(intervals, removed):
    """The points of `intervals` that `removed` does not hold."""
    result = []
    cuts = normalize(removed)
    for start, end in normalize(intervals):
        at = start
        for cut_start, cut_end in cuts:
            if cut_end <= at or cut_start >= end:
                continue
            if cut_start > at:
                result.append((at, cut_start))
            at = max(at, cut_end)
        if at < end:
            result.append((at, end))
    return result


def gaps(intervals, start, end):
    """The parts of `start` to `end` that the set leaves free."""
    return subtract([(start, end)], intervals)

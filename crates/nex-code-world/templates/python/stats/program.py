"""Statistics of lists of numbers, exact where whole numbers allow it."""


def mean(values):
    """The arithmetic mean."""
    if not values:
        raise ValueError("no values")
    return sum(values) / len(values)


def median(values):
    """The middle value, or the mean of the two middle ones."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2 == 1:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def mode(values):
    """The most frequent value; of several, the least."""
    counts = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    best = None
    for value in sorted(counts):
        if best is None or counts[value] > counts[best]:
            best = value
    return best


def variance(values, sample=False):
    """The mean square of the deviations; of a sample, divided by one less."""
    count = len(values) - 1 if sample else len(values)
    if count < 1:
        raise ValueError("too few values")
    middle = mean(values)
    return sum((value - middle) ** 2 for value in values) / count


def percentile(values, share):
    """The value below which `share` percent lie, by linear interpolation."""
    if not values or share < 0 or share > 100:
        raise ValueError("nothing to take a percentile of")
    ordered = sorted(values)
    place = (len(ordered) - 1) * share / 100
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def histogram(values, width):
    """How many values fall into each `[k * width, (k + 1) * width)`, by its lower end."""
    bins = {}
    for value in values:
        low = value // width * width
        bins[low] = bins.get(low, 0) + 1
    return dict(sorted(bins.items()))


def moving_average(values, window):
    """Means of every `window` neighbours."""
    if window < 1 or window > len(values):
        return []
    total = sum(values[:window])
    result = [total / window]
    for index in range(window, len(values)):
        total += values[index] - values[index - window]
        result.append(total / window)
    return result


def rank(values):
    """For each value its place from 1, the greatest first; equal values share a place."""
    return [1 + sum(1 for other in values if other > value) for value in values]

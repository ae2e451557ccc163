"""Planning of jobs on machines and of meetings in rooms; times are whole numbers."""


def by_deadline(jobs):
    """Jobs `(name, hours, deadline)` one after another, earliest deadline first.

    Gives `(name, start, end, lateness)` for each; lateness is never below zero.
    """
    plan = []
    clock = 0
    for name, hours, deadline in sorted(jobs, key=lambda job: (job[2], job[0])):
        start, clock = clock, clock + hours
        plan.append((name, start, clock, max(0, clock - deadline)))
    return plan


def assign(jobs, machines):
    """Longest jobs first, each to the machine that is free first; gives lists of names and the end."""
    if machines < 1:
        raise ValueError("no machine")
    loads = [0] * machines
    lists = [[] for _ in range(machines)]
    for name, hours in sorted(jobs, key=lambda job: (-job[1], job[0])):
        index = loads.index(min(loads))
        loads[index] += hours
        lists[index].append(name)
    return lists, max(loads)


def rooms_needed(meetings):
    """How many rooms meetings `(start, end)` need at once; one may begin when another ends."""
    changes = []
    for start, end in meetings:
        changes.append((start, 1))
        changes.append((end, -1))
    most = now = 0
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most


def pick_meetings(meetings):
    """As many meetings as one room can hold, by earliest end."""
    chosen = []
    free_from = None
    for start, end in sorted(meetings, key=lambda meeting: (meeting[1], meeting[0])):
        if free_from is None or start >= free_from:
            chosen.append((start, end))
            free_from = end
    return chosen


def next_run(minute, hour, now):
    """Minutes from `now` (minutes of a day) to the next time it is `hour:minute`; a full day if now."""
    if minute not in range(60) or hour not in range(24):
        raise ValueError("no such time")
    at = hour * 60 + minute
    wait = (at - now) % 1440
    return wait if wait > 0 else 1440


def backoff(attempt, base=2, limit=60):
    """Seconds to wait before attempt number `attempt` (from 1): 0, then doubling up to `limit`."""
    if attempt <= 1:
        return 0
    return min(limit, base * 2 ** (attempt - 2))

"""Days of the Gregorian calendar as `(year, month, day)`, without a clock."""

MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


def is_leap(year):
    """Whether February has 29 days."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days_in_month(year, month):
    """How many days the month has."""
    if month < 1 or month > 12:
        raise ValueError("no such month")
    return 29 if month == 2 and is_leap(year) else MONTH_DAYS[month - 1]


def day_of_year(year, month, day):
    """The number of the day in its year; the first of January is 1."""
    if day < 1 or day > days_in_month(year, month):
        raise ValueError("no such day")
    return sum(days_in_month(year, m) for m in range(1, month)) + day


def ordinal(year, month, day):
    """Days since the first of January of year 1, which is day 1."""
    before = year - 1
    return before * 365 + before // 4 - before // 100 + before // 400 + day_of_year(year, month, day)


def days_between(start, end):
    """How many days lie from `start` to `end`; negative if `end` is earlier."""
    return ordinal(*end) - ordinal(*start)


def weekday(year, month, day):
    """The name of the day in its week."""
    return WEEKDAYS[(ordinal(year, month, day) - 1) % 7]


def add_months(date, months):
    """The same day so many months later, or the last one of a shorter month."""
    year, month, day = date
    index = year * 12 + month - 1 + months
    year, month = index // 12, index % 12 + 1
    return (year, month, min(day, days_in_month(year, month)))


def workdays(start, end):
    """Days from `start` up to but without `end` that are neither Saturday nor Sunday."""
    first, last = ordinal(*start), ordinal(*end)
    return sum(1 for number in range(first, last) if (number - 1) % 7 < 5)

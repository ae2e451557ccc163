"""Amounts of money in whole cents, without floats."""


def parse_amount(text):
    """Cents of a text such as `1,234.50` or `-3`; at most two decimals."""
    text = text.strip().replace(",", "")
    negative = text.startswith("-")
    if negative:
        text = text[1:]
    whole, point, decimals = text.partition(".")
    if not whole.isdigit() or (point and not decimals.isdigit()):
        raise ValueError("no amount")
    if len(decimals) > 2:
        raise ValueError("more than two decimals")
    cents = int(whole) * 100 + int(decimals.ljust(2, "0"))
    return -cents if negative else cents


def format_amount(cents, symbol=""):
    """The amount with thousands separators and two decimals."""
    sign = "-" if cents < 0 else ""
    whole, rest = divmod(abs(cents), 100)
    return f"{sign}{symbol}{whole:,}.{rest:02d}"


def percent(cents, rate_bp):
    """A share in basis points, rounded half away from zero."""
    product = abs(cents) * rate_bp
    share = (product + 5000) // 10000
    return -share if cents < 0 else share


def split(cents, weights):
    """Parts in proportion to `weights` that add up; what is left over goes to the first ones."""
    total = sum(weights)
    if total <= 0:
        raise ValueError("weights must add up to more than zero")
    parts = [cents * weight // total for weight in weights]
    left = cents - sum(parts)
    index = 0
    while left > 0:
        if weights[index] > 0:
            parts[index] += 1
            left -= 1
        index = (index + 1) % len(parts)
    return parts


def invoice_total(lines, discount_bp=0, tax_bp=0):
    """Total of `(quantity, unit price)` lines: the discount goes off first, then tax comes on."""
    net = sum(quantity * price for quantity, price in lines)
    net -= percent(net, discount_bp)
    return net + percent(net, tax_bp)


def cash_round(cents, coin=5):
    """The amount to the nearest multiple of the smallest coin; halves go up."""
    return (cents + coin // 2) // coin * coin if coin % 2 else (2 * cents + coin) // (2 * coin) * coin

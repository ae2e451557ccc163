"""Small codes for text: run lengths, Caesar shifts, Roman numerals, check digits."""

ROMAN = [(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"),
         (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]


def run_length(text):
    """`aaab` becomes `a3b`: a count stands after its letter where it is more than one."""
    result = ""
    at = 0
    while at < len(text):
        end = at
        while end < len(text) and text[end] == text[at]:
            end += 1
        count = end - at
        result += text[at] + (str(count) if count > 1 else "")
        at = end
    return result


def expand(code):
    """The text that `run_length` made `code` of."""
    result = ""
    at = 0
    while at < len(code):
        letter = code[at]
        at += 1
        digits = ""
        while at < len(code) and code[at].isdigit():
            digits += code[at]
            at += 1
        result += letter * int(digits or "1")
    return result


def caesar(text, shift):
    """Letters moved along the alphabet, round its end; all else stays."""
    result = ""
    for char in text:
        if char.isascii() and char.isalpha():
            first = ord("a") if char.islower() else ord("A")
            char = chr((ord(char) - first + shift) % 26 + first)
        result += char
    return result


def to_roman(number):
    """The numeral of a number from 1 to 3999."""
    if number < 1 or number > 3999:
        raise ValueError("no numeral for this number")
    result = ""
    for value, letters in ROMAN:
        while number >= value:
            result += letters
            number -= value
    return result


def from_roman(text):
    """The number of a numeral; only the usual way of writing is accepted."""
    total = 0
    rest = text
    for value, letters in ROMAN:
        while rest.startswith(letters):
            total += value
            rest = rest[len(letters):]
    if rest or not text or to_roman(total) != text:
        raise ValueError("no numeral")
    return total


def luhn_digit(digits):
    """The check digit that makes `digits` valid by Luhn's rule."""
    total = 0
    for index, char in enumerate(reversed(digits)):
        value = int(char)
        if index % 2 == 0:
            value *= 2
            if value > 9:
                value -= 9
        total += value
    return (10 - total % 10) % 10


def is_valid(number):
    """Whether the last digit of `number` checks the others."""
    return len(number) > 1 and number.isdigit() and int(number[-1]) == luhn_digit(number[:-1])

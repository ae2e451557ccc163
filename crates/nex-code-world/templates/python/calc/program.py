"""A calculator for expressions with `+ - * / ^`, brackets, unary minus and variables."""


class ExpressionError(ValueError):
    """The text is no expression."""


def tokenize(text):
    """Numbers, names and signs of `text`, in order."""
    tokens = []
    at = 0
    while at < len(text):
        char = text[at]
        if char.isspace():
            at += 1
        elif char.isdigit() or char == ".":
            start = at
            while at < len(text) and (text[at].isdigit() or text[at] == "."):
                at += 1
            tokens.append(("number", float(text[start:at])))
        elif char.isalpha():
            start = at
            while at < len(text) and text[at].isalnum():
                at += 1
            tokens.append(("name", text[start:at]))
        elif char in "+-*/^()":
            tokens.append(("sign", char))
            at += 1
        else:
            raise ExpressionError("unexpected " + repr(char))
    return tokens


class Parser:
    """Evaluates while it reads; `^` binds tightest and to the right."""

    def __init__(self, tokens, variables):
        self.tokens = tokens
        self.variables = variables
        self.at = 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", None)

    def take(self, *signs):
        kind, value = self.peek()
        if kind == "sign" and value in signs:
            self.at += 1
            return value
        return None

    def sum(self):
        value = self.product()
        while True:
            sign = self.take("+", "-")
            if sign is None:
                return value
            right = self.product()
            value = value + right if sign == "+" else value - right

    def product(self):
        value = self.unary()
        while True:
            sign = self.take("*", "/")
            if sign is None:
                return value
            right = self.unary()
            if sign == "/" and right == 0:
                raise ExpressionError("division by zero")
            value = value * right if sign == "*" else value / right

    def unary(self):
        if self.take("-"):
            return -self.unary()
        return self.power()

    def power(self):
        base = self.atom()
        if self.take("^"):
            return base ** self.unary()
        return base

    def atom(self):
        kind, value = self.peek()
        if self.take("("):
            inner = self.sum()
            if not self.take(")"):
                raise ExpressionError("missing )")
            return inner
        if kind == "number":
            self.at += 1
            return value
        if kind == "name":
            self.at += 1
            if value not in self.variables:
                raise ExpressionError("unknown name " + value)
            return self.variables[value]
        raise ExpressionError("a value is missing")


def evaluate(text, variables=None):
    """The value of the expression `text`."""
    parser = Parser(tokenize(text), variables or {})
    value = parser.sum()
    if parser.at != len(parser.tokens):
        raise ExpressionError("text after the expression")
    return value

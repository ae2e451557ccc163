"""Lists single mutations of Python source as replacements of byte ranges.

In, on the standard input: {"source": text}. Out: a JSON list of
{"operator", "start", "end", "new", "line", "function"}, offsets in bytes of UTF-8, in source order.
Invariants: every replacement leaves source that compiles and whose syntax tree differs; text inside
of strings, docstrings and annotations is never touched; the same source gives the same list.
"""
import ast
import json
import sys

COMPARE = {
    ast.Lt: [("<", "<=", "boundary")], ast.LtE: [("<=", "<", "boundary")],
    ast.Gt: [(">", ">=", "boundary")], ast.GtE: [(">=", ">", "boundary")],
    ast.Eq: [("==", "!=", "comparison")], ast.NotEq: [("!=", "==", "comparison")],
    ast.In: [("in", "not in", "comparison")], ast.NotIn: [("not in", "in", "comparison")],
    ast.Is: [("is", "is not", "comparison")], ast.IsNot: [("is not", "is", "comparison")],
}
FLIP = {ast.Lt: ("<", ">"), ast.LtE: ("<=", ">="), ast.Gt: (">", "<"), ast.GtE: (">=", "<=")}
ARITHMETIC = {
    ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "+"), ast.Div: ("/", "//"),
    ast.FloorDiv: ("//", "/"), ast.Mod: ("%", "//"), ast.Pow: ("**", "*"),
    ast.BitAnd: ("&", "|"), ast.BitOr: ("|", "&"), ast.LShift: ("<<", ">>"), ast.RShift: (">>", "<<"),
}
NAMES = {
    "min": "max", "max": "min", "any": "all", "all": "any", "lstrip": "rstrip", "rstrip": "lstrip",
    "startswith": "endswith", "endswith": "startswith", "ljust": "rjust", "rjust": "ljust",
    "find": "rfind", "rfind": "find", "partition": "rpartition", "rpartition": "partition",
    "islower": "isupper", "isupper": "islower", "lower": "upper", "upper": "lower",
}


class Lister(ast.NodeVisitor):
    def __init__(self, source):
        self.bytes = source.encode()
        self.starts = [0]
        for line in self.bytes.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.found = []
        self.function = ""
        self.locals = []

    def at(self, line, column):
        return self.starts[line - 1] + column

    def span(self, node):
        return self.at(node.lineno, node.col_offset), self.at(node.end_lineno, node.end_col_offset)

    def text(self, node):
        start, end = self.span(node)
        return self.bytes[start:end].decode()

    def add(self, operator, start, end, new):
        line = self.bytes.count(b"\n", 0, start) + 1
        self.found.append(
            {"operator": operator, "start": start, "end": end, "new": new, "line": line, "function": self.function}
        )

    def sign(self, operator, left, right, old, new):
        """Replaces the sign `old` that stands between two operands."""
        start, end = self.span(left)[1], self.span(right)[0]
        place = self.bytes.find(old.encode(), start, end)
        if place >= 0:
            self.add(operator, place, place + len(old), new)

    def visit_FunctionDef(self, node):
        outer, locals_ = self.function, self.locals
        self.function = f"{outer}.{node.name}" if outer else node.name
        names = [arg.arg for arg in node.args.posonlyargs + node.args.args + node.args.kwonlyargs]
        stored = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        self.locals = sorted({name for name in names + stored if name not in ("self", "cls", "_")})
        for default in node.args.defaults + [d for d in node.args.kw_defaults if d is not None]:
            self.default(default)
        body = node.body
        if isinstance(body[0], ast.Expr) and isinstance(getattr(body[0], "value", None), ast.Constant):
            body = body[1:]
        for statement in body:
            self.visit(statement)
        self.function, self.locals = outer, locals_

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node):
        outer, self.function = self.function, node.name
        for statement in node.body:
            self.visit(statement)
        self.function = outer

    def default(self, node):
        if isinstance(node, ast.Constant):
            for new in constants(node.value):
                self.add("default", *self.span(node), new)

    def visit_AnnAssign(self, node):
        if node.value is not None:
            self.visit(node.value)

    def visit_Constant(self, node):
        if not self.function:
            return
        for new in constants(node.value):
            self.add("constant" if not isinstance(node.value, int) else "off_by_one", *self.span(node), new)

    def visit_JoinedStr(self, node):
        """Positions inside of formatted strings are not reliable before Python 3.12."""

    def visit_Compare(self, node):
        left = node.left
        for operator, right in zip(node.ops, node.comparators):
            for old, new, name in COMPARE.get(type(operator), []):
                self.sign(name, left, right, old, new)
            if type(operator) in FLIP:
                self.sign("comparison", left, right, *FLIP[type(operator)])
            left = right
        self.generic_visit(node)

    def visit_BinOp(self, node):
        is_text = any(isinstance(side, ast.Constant) and isinstance(side.value, str) for side in (node.left, node.right))
        if type(node.op) in ARITHMETIC and not is_text:
            self.sign("arithmetic", node.left, node.right, *ARITHMETIC[type(node.op)])
        self.generic_visit(node)

    def visit_AugAssign(self, node):
        if type(node.op) in ARITHMETIC:
            old, new = ARITHMETIC[type(node.op)]
            self.sign("arithmetic", node.target, node.value, old + "=", new + "=")
        self.drop(node)
        self.visit(node.value)

    def visit_BoolOp(self, node):
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:]):
            self.sign("boolean", left, right, old, new)
        self.generic_visit(node)

    def visit_UnaryOp(self, node):
        start, end = self.span(node)
        inner = self.text(node.operand)
        if isinstance(node.op, ast.Not):
            self.add("negation", start, end, inner)
            self.visit(node.operand)
        elif isinstance(node.op, ast.USub):
            self.add("arithmetic", start, end, inner)
        else:
            self.visit(node.operand)

    def negate(self, test):
        if not isinstance(test, (ast.UnaryOp, ast.Compare)):
            start, end = self.span(test)
            inner = self.text(test)
            self.add("negation", start, end, f"not ({inner})" if isinstance(test, ast.BoolOp) else f"not {inner}")

    def visit_If(self, node):
        self.negate(node.test)
        if not node.orelse and all(isinstance(s, (ast.Raise, ast.Continue, ast.Return)) for s in node.body):
            self.drop(node)
        self.generic_visit(node)

    def visit_While(self, node):
        self.generic_visit(node)

    def visit_IfExp(self, node):
        self.negate(node.test)
        body, other = self.text(node.body), self.text(node.orelse)
        (start, _), (_, end) = self.span(node.body), self.span(node.orelse)
        self.add("swapped", start, end, f"{other} if {self.text(node.test)} else {body}")
        self.generic_visit(node)

    def visit_Expr(self, node):
        if isinstance(node.value, ast.Constant):
            return
        self.drop(node)
        self.generic_visit(node)

    def visit_Assign(self, node):
        is_again = all(isinstance(target, (ast.Attribute, ast.Subscript)) for target in node.targets)
        if is_again:
            self.drop(node)
        for target in node.targets:
            if isinstance(target, ast.Subscript):
                self.visit(target)
        self.visit(node.value)

    def visit_Continue(self, node):
        self.add("dropped", *self.span(node), "pass")

    def visit_Break(self, node):
        self.add("dropped", *self.span(node), "pass")

    def visit_Delete(self, node):
        self.drop(node)

    def drop(self, node):
        if self.function:
            self.add("dropped", *self.span(node), "pass")

    def visit_Call(self, node):
        if len(node.args) >= 2 and not any(isinstance(arg, ast.Starred) for arg in node.args):
            first, second = node.args[0], node.args[1]
            (start, a), (b, end) = self.span(first), self.span(second)
            between = self.bytes[a:b].decode()
            if self.text(first) != self.text(second):
                self.add("swapped", start, end, self.text(second) + between + self.text(first))
        function = node.func
        if isinstance(function, ast.Name) and function.id in NAMES:
            self.add("wrong_name", *self.span(function), NAMES[function.id])
        if isinstance(function, ast.Attribute):
            if function.attr in NAMES:
                end = self.span(function)[1]
                self.add("wrong_name", end - len(function.attr.encode()), end, NAMES[function.attr])
            self.visit(function.value)
        for part in node.args + node.keywords:
            self.visit(part)

    def visit_Name(self, node):
        if not isinstance(node.ctx, ast.Load) or node.id not in self.locals:
            return
        others = [name for name in self.locals if name != node.id]
        if others:
            # One wrong variable a place, a different one from place to place.
            other = others[(node.lineno * 7 + node.col_offset) % len(others)]
            self.add("wrong_name", *self.span(node), other)


def constants(value):
    if value is True or value is False:
        return [str(not value)]
    if isinstance(value, int):
        return [str(value + 1)] + ([str(value - 1)] if value > 0 else [])
    if isinstance(value, float):
        return [repr(value + 1)]
    return []


def main():
    source = json.load(sys.stdin)["source"]
    tree = ast.parse(source)
    lister = Lister(source)
    for statement in tree.body:
        lister.visit(statement)
    original = ast.dump(tree)
    kept, seen = [], set()
    for found in sorted(lister.found, key=lambda f: (f["start"], f["end"], f["new"], f["operator"])):
        mutant = lister.bytes[: found["start"]] + found["new"].encode() + lister.bytes[found["end"]:]
        try:
            dump = ast.dump(ast.parse(mutant))
            compile(mutant, "mutant", "exec")
        except (SyntaxError, ValueError):
            continue
        if dump != original and dump not in seen:
            seen.add(dump)
            kept.append(found)
    json.dump(kept, sys.stdout)


main()

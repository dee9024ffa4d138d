# SPDX-License-Identifier: MIT
"""What of Prometheus the alert rules use: text format 0.0.4, selectors, increase(), sum and max, comparisons. Everything else is an error.

A series is (name, labels); a vector is {labels: value} with labels as a frozenset of pairs. Times are two: the values of an earlier
and of a later scrape, so that the range of increase() says nothing.
"""
import re

SAMPLE = re.compile(r"^([a-z_:]+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')
TOKEN = re.compile(r'\s*(<=|>=|==|!=|[<>*(){},\[\]]|=~|=|"[^"]*"|[a-z_A-Z:][\w:]*|\d+(?:\.\d+)?[smhd]?)')


def parse(text, **more):
    """The samples of one scrape: {(name, labels): value}. more: labels that the scrape adds (job, instance)."""
    out = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        found = SAMPLE.match(line)
        if not found:
            raise AssertionError(f"no sample: {line!r}")
        labels = dict(LABEL.findall(found[2] or ""), **more)
        out[found[1], frozenset(labels.items())] = float(found[3])
    return out


def names_of(text):
    """What # TYPE lines announce: {name: type}."""
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))


class Rule:
    def __init__(self, name, expression):
        self.name, self.expression = name, expression
        self.metrics = set(re.findall(r"\b((?:mcpstate|process)_\w+|up)\b", expression))

    def fires(self, before, after):
        """The vector of what is true; empty: the alert does not fire."""
        return Expression(self.expression, before, after).value()


def rules_in(text):
    """The rules of a file that has each expression on one line."""
    found = re.findall(r"^ +- alert: (\w+)\n +expr: (.+)\n", text, re.M)
    if len(found) != text.count("- alert:"):
        raise AssertionError("a rule is not written as name and expression, one line each")
    return [Rule(name, expression) for name, expression in found]


class Expression:
    """Recursive descent: comparison := product [op product]; product := term ['*' term]; term := number | call | selector."""

    def __init__(self, text, before, after):
        self.before, self.after = before, after
        self.tokens, at = [], 0
        while at < len(text.rstrip()):
            found = TOKEN.match(text, at)
            if not found:
                raise AssertionError(f"not understood: {text[at:]!r}")
            self.tokens.append(found[1])
            at = found.end()

    def peek(self):
        return self.tokens[0] if self.tokens else ""

    def take(self, wanted=None):
        token = self.tokens.pop(0)
        if wanted and token != wanted:
            raise AssertionError(f"{wanted} expected, not {token}")
        return token

    def value(self):
        left = self.product()
        if self.peek() in ("<", ">", "<=", ">=", "==", "!="):
            operator = self.take()
            left = self.compare(left, operator, self.product())
        if self.tokens:
            raise AssertionError(f"not understood: {self.tokens}")
        return left

    @staticmethod
    def matched(left, right):
        """Pairs of values of series with the same labels; a number stands beside each."""
        if isinstance(right, float):
            return [(labels, value, right) for labels, value in left.items()]
        return [(labels, value, right[labels]) for labels, value in left.items() if labels in right]

    def compare(self, left, operator, right):
        holds = {"<": lambda a, b: a < b, ">": lambda a, b: a > b, "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b,
                 "==": lambda a, b: a == b, "!=": lambda a, b: a != b}[operator]
        return {labels: a for labels, a, b in self.matched(left, right) if holds(a, b)}

    def product(self):
        left = self.term()
        while self.peek() == "*":
            self.take()
            right = self.term()
            if isinstance(left, float):
                left, right = right, left
            left = {labels: a * b for labels, a, b in self.matched(left, right)}
        return left

    def term(self):
        token = self.take()
        if token[0].isdigit():
            return float(token)
        if token in ("sum", "max"):
            return self.aggregated(sum if token == "sum" else max)
        if token == "increase":
            self.take("(")
            out = self.selected(self.take(), increase=True)
            self.take(")")
            return out
        return self.selected(token, increase=False)

    def aggregated(self, how):
        kept = []
        if self.peek() == "by":
            self.take()
            self.take("(")
            while self.peek() != ")":
                kept.append(self.take())
                if self.peek() == ",":
                    self.take()
            self.take(")")
        self.take("(")
        groups = {}
        for labels, value in self.product().items():
            groups.setdefault(frozenset(pair for pair in labels if pair[0] in kept), []).append(value)
        self.take(")")
        return {labels: how(values) for labels, values in groups.items()}

    def matchers(self):
        out = []
        self.take("{")
        while self.peek() != "}":
            name, operator, value = self.take(), self.take(), self.take().strip('"')
            out.append((name, re.compile(value if operator == "=~" else re.escape(value))))
            if self.peek() == ",":
                self.take()
        self.take("}")
        return out

    def selected(self, name, increase):
        wanted = self.matchers() if self.peek() == "{" else []
        if increase:
            self.take("[")
            self.take()
            self.take("]")
        out = {}
        for (series, labels), value in self.after.items():
            known = dict(labels)
            if series != name or not all(pattern.fullmatch(known.get(label, "")) for label, pattern in wanted):
                continue
            if increase:
                # A series that was not there before has no increase: Prometheus cannot know what it was.
                if (series, labels) not in self.before:
                    continue
                value -= self.before[series, labels]
            out[labels] = value
        return out

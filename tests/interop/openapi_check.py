# SPDX-License-Identifier: MIT
"""Checks answers against our OpenAPI document, and makes requests out of it. Standard library only.

Of JSON Schema it knows what the document uses; a keyword that it does not know is an error, so that nothing is passed over.
"""
import json
import re
import string
import urllib.parse

ANNOTATIONS = {"description", "title"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


class Mismatch(AssertionError):
    pass


def is_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


class Document:
    def __init__(self, text):
        self.root = json.loads(text)
        self.operations = []
        for template, item in self.root["paths"].items():
            shared = item.get("parameters", [])
            pattern = re.compile("".join(f"(?P<{p[1:-1]}>[^/]+)" if p.startswith("{") else re.escape(p)
                                         for p in re.split(r"(\{\w+\})", template) if p))
            for method, operation in item.items():
                if method == "parameters":
                    continue
                parameters = [self.resolve(p) for p in shared + operation.get("parameters", [])]
                self.operations.append(Operation(method.upper(), template, pattern, operation, parameters))

    def resolve(self, node):
        while "$ref" in node:
            target = self.root
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def find(self, method, path):
        fixed_first = sorted(self.operations, key=lambda o: o.template.count("{"))
        return next((o for o in fixed_first if o.method == method and o.pattern.fullmatch(path)), None)

    # --- answers ---

    def check_answer(self, method, target, status, content_type, body):
        """An answer of the service; Mismatch if the document does not describe it."""
        path = urllib.parse.urlsplit(target).path
        where = f"{method} {target} → {status}"
        operation = self.find("GET" if method == "HEAD" else method, path)
        if operation is None:
            if status not in (204, 400, 401, 403, 404, 405, 408, 413, 414, 415, 417, 431, 501, 505):
                raise Mismatch(f"{where}: not in the document")
            described = self.root["components"]["responses"]["problem"]
        else:
            described = operation.node["responses"].get(str(status))
            # What is refused before an operation is looked at.
            if described is None and status in (405, 408, 413, 414, 415, 417, 431, 501, 505):
                described = {"$ref": "#/components/responses/problem"}
            if described is None:
                raise Mismatch(f"{where}: this status is not described")
            described = self.resolve(described)
        content = described.get("content")
        if method == "HEAD" or status in (204, 304):
            if body:
                raise Mismatch(f"{where}: a body")
            return
        if content is None:
            raise Mismatch(f"{where}: no content is described")
        if content_type not in content:
            raise Mismatch(f"{where}: {content_type} is none of {list(content)}")
        if content_type.endswith("json"):
            self.check(json.loads(body), content[content_type]["schema"], where)

    def check(self, value, schema, where):
        schema = self.resolve(schema)
        for keyword, argument in schema.items():
            if keyword in ANNOTATIONS:
                continue
            check = getattr(self, "check_" + keyword.replace("$", ""), None)
            if check is None:
                raise AssertionError(f"{where}: the schema says {keyword}, which is not understood here")
            check(value, argument, schema, where)

    def check_type(self, value, name, _, where):
        if not is_type(value, name):
            raise Mismatch(f"{where}: {value!r} is no {name}")

    def check_enum(self, value, choices, _, where):
        if value not in choices:
            raise Mismatch(f"{where}: {value!r} is none of {choices}")

    def check_const(self, value, wanted, _, where):
        if value != wanted:
            raise Mismatch(f"{where}: {value!r} is not {wanted!r}")

    def check_pattern(self, value, pattern, _, where):
        if isinstance(value, str) and not re.search(pattern, value, re.S):
            raise Mismatch(f"{where}: {value!r} does not match {pattern}")

    def check_minimum(self, value, least, _, where):
        if value < least:
            raise Mismatch(f"{where}: {value} is less than {least}")

    def check_maximum(self, value, most, _, where):
        if value > most:
            raise Mismatch(f"{where}: {value} is more than {most}")

    def check_minLength(self, value, least, _, where):
        if isinstance(value, str) and len(value) < least:
            raise Mismatch(f"{where}: too short")

    def check_maxLength(self, value, most, _, where):
        if isinstance(value, str) and len(value) > most:
            raise Mismatch(f"{where}: too long")

    def check_required(self, value, names, _, where):
        missing = [n for n in names if isinstance(value, dict) and n not in value]
        if missing:
            raise Mismatch(f"{where}: {missing} missing in {value}")

    def check_properties(self, value, properties, _, where):
        for name, schema in properties.items():
            if isinstance(value, dict) and name in value:
                self.check(value[name], schema, f"{where}: {name}")

    def check_additionalProperties(self, value, allowed, schema, where):
        more = set(value) - set(schema.get("properties", {})) if isinstance(value, dict) else set()
        if more and allowed is False:
            raise Mismatch(f"{where}: {sorted(more)} not described")

    def check_items(self, value, schema, _, where):
        for item in value if isinstance(value, list) else []:
            self.check(item, schema, f"{where}[]")

    def check_oneOf(self, value, choices, _, where):
        fitting = 0
        for choice in choices:
            try:
                self.check(value, choice, where)
                fitting += 1
            except Mismatch:
                pass
        if fitting != 1:
            raise Mismatch(f"{where}: {value!r} fits {fitting} of the choices")

    # --- requests ---

    def random_request(self, rng):
        """(method, target, headers, body or None): mostly near what the document describes, rarely all of it right."""
        operation = rng.choice(self.operations)
        if operation.template.endswith("/events"):
            operation = self.operations[0]  # a stream without an end is another test's
        target = operation.template
        for parameter in operation.parameters:
            if parameter["in"] == "path":
                target = target.replace("{" + parameter["name"] + "}", segment(rng))
        query = [(p["name"], self.value(rng, p["schema"]) if rng.random() < 0.5 else text(rng))
                 for p in operation.parameters if p["in"] == "query" and rng.random() < 0.4]
        if rng.random() < 0.1:
            query.append((text(rng), text(rng)))
        query = [(name, "50ms" if name == "wait" and rng.random() < 0.9 else value) for name, value in query]
        if query:
            target += "?" + "&".join(f"{quote(str(n))}={quote(str(v))}" for n, v in query)
        headers = {p["name"]: rng.choice(['"r1"', "*", '"x", W/"y"', text(rng)]) for p in operation.parameters
                   if p["in"] == "header" and rng.random() < 0.3}
        body = self.random_body(rng, operation)
        if body is not None:
            headers["Content-Type"] = "application/json" if rng.random() < 0.95 else text(rng)
        method = operation.method if rng.random() < 0.95 else rng.choice(["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD"])
        return method, target, {n: header_safe(v) for n, v in headers.items()}, body

    def random_body(self, rng, operation):
        described = operation.node.get("requestBody")
        if described is None:
            return rng.choice([b"{}", b"x"]) if rng.random() < 0.03 else None
        if rng.random() < 0.05:
            return None
        value = self.value(rng, described["content"]["application/json"]["schema"])
        if isinstance(value, dict) and rng.random() < 0.2:
            value[text(rng)] = anything(rng)
        if isinstance(value, dict) and value and rng.random() < 0.2:
            value[rng.choice(list(value))] = anything(rng)
        if rng.random() < 0.05:
            value = anything(rng)
        body = json.dumps(value).encode()
        if rng.random() < 0.05:
            cut = rng.randrange(len(body) + 1)
            body = body[:cut] + bytes([rng.randrange(256)]) + body[cut + 1:]
        return body

    def value(self, rng, schema):
        schema = self.resolve(schema)
        if "oneOf" in schema:
            return self.value(rng, rng.choice(schema["oneOf"]))
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return rng.choice(schema["enum"])
        if "pattern" in schema:
            return rng.choice(["user:42", "session:k", "5s", "1h", "100", text(rng)])
        kind = schema.get("type")
        if kind == "object":
            properties = schema.get("properties", {})
            return {n: self.value(rng, s) for n, s in properties.items() if n in schema.get("required", []) or rng.random() < 0.5}
        if kind == "array":
            return [self.value(rng, schema["items"]) for _ in range(rng.randrange(3))]
        return {"integer": rng.randrange(-2, 2000), "boolean": rng.random() < 0.5}.get(kind, text(rng))


class Operation:
    def __init__(self, method, template, pattern, node, parameters):
        self.method, self.template, self.pattern = method, template, pattern
        self.node, self.parameters = node, parameters


ODD = ["", ".", "..", "/", "%", "%2f", ":", "*", "?", "#", "{}", "[", "\\", "\x00", "\r\n", "é", "\u202e", "😀", " ", "a" * 600, "\x7f", "'", '"']


def text(rng):
    if rng.random() < 0.3:
        return rng.choice(ODD)
    return "".join(rng.choice(string.ascii_lowercase) for _ in range(rng.randrange(1, 8)))


def quote(value):
    return urllib.parse.quote(value, safe="")


def segment(rng):
    """Mostly one of a few, so that requests meet."""
    if rng.random() < 0.7:
        return rng.choice(["1", "2", "k"])
    return rng.choice([quote(text(rng)), "%zz", "%", "..", "%2e%2e", "%00", "%ff"]) or "e"


def header_safe(value):
    return "".join(c for c in value if 32 <= ord(c) < 127)[:200]


def anything(rng):
    return rng.choice([None, True, 0, -1, 1e300, 2**70, "", text(rng), [], {}, [[]], {"a": {"b": []}}, "x" * 3000])

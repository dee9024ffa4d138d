# SPDX-License-Identifier: MIT
"""What clients did to a store, and what they were told: the material of the checker.

One operation is one line of a JSON file. Times are seconds of one monotonic clock. An operation concerns one record, which is a
register: a write gives it a value, a read shows one. The store numbers its writes (revisions), and tells the number.
"""
import dataclasses
import json
import math
import threading

OK, REFUSED, UNKNOWN = "ok", "refused", "unknown"


@dataclasses.dataclass
class Operation:
    client: str
    kind: str       # "write" or "read"
    owner: str
    server: str
    called: float
    returned: float  # infinity: no answer came, so it may take effect at any time
    outcome: str     # OK; REFUSED: nothing was written; UNKNOWN: it may have been
    value: str = ""  # of a write: what it gives; of a read: what it showed. Empty: there is no record
    revision: int = 0
    basis: int = None  # of a write that was to be refused unless the record had this revision
    code: str = ""     # of an outcome that is not OK

    @property
    def key(self):
        return self.owner, self.server


class History:
    """Operations as they end. Safe from any thread."""

    def __init__(self, operations=()):
        self.operations = list(operations)
        self.lock = threading.Lock()

    def add(self, operation):
        with self.lock:
            self.operations.append(operation)

    def since(self, moment):
        with self.lock:
            return [one for one in self.operations if one.returned >= moment]

    def write(self, path, about):
        with open(path, "w", encoding="utf-8") as file:
            file.write(json.dumps(about) + "\n")
            for one in self.operations:
                file.write(json.dumps(dataclasses.asdict(one)) + "\n")

    @staticmethod
    def read(path):
        """The history of a file, and what the file says about it."""
        with open(path, encoding="utf-8") as file:
            about = json.loads(next(file))
            return History(Operation(**json.loads(line)) for line in file), about


def never():
    return math.inf

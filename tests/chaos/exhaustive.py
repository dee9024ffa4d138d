# SPDX-License-Identifier: MIT
"""The checker's own check: a search over all orders, which knows nothing of revisions (Wing and Gong, with Lowe's table of visited states).

It asks of one record: is there an order of the operations that respects time, in which each read shows the last value written? Writes of
unknown outcome may take effect at any time after they were called, or never. Where more operations than WIDTH are under way at once,
nothing is answered: the search is exponential.
"""
import math

from history import OK, UNKNOWN

WIDTH = 12
STATES = 200_000


class TooWide(Exception):
    """More operations at once than can be searched."""


def explains(operations, first=frozenset([""])):
    """Whether some order explains these operations of one record. first: the values that it may have had before."""
    relevant = [one for one in operations if one.outcome == OK or (one.outcome == UNKNOWN and one.kind == "write")]
    relevant.sort(key=lambda one: one.called)
    ends = [one.returned if one.outcome == OK else math.inf for one in relevant]
    check_width(relevant, ends)
    return search(relevant, ends, first)


def check_width(operations, ends):
    """Those without an answer count from their call on; too many of them are too many orders."""
    for one in operations:
        if sum(other.called <= one.called <= end for other, end in zip(operations, ends)) > WIDTH:
            raise TooWide


def search(operations, ends, first):
    # A state: how many of the first operations are all ordered, which of the later ones are, and the value.
    states = [(0, frozenset(), value) for value in first]
    visited = set(states)
    while states:
        if len(visited) > STATES:
            raise TooWide
        begin, ahead, value = states.pop()
        while begin < len(operations) and begin in ahead:
            ahead -= {begin}
            begin += 1
        left = [n for n in range(begin, len(operations)) if n not in ahead]
        if all(ends[n] == math.inf for n in left):
            return True
        horizon = min(ends[n] for n in left)
        for n in left:
            one = operations[n]
            if one.called > horizon:
                break
            if one.kind == "read" and one.value != value:
                continue
            state = (begin, ahead | {n}, one.value if one.kind == "write" else value)
            if state not in visited:
                visited.add(state)
                states.append(state)
    return False


def windows(operations, size=40):
    """Parts of one record's operations between which nothing was under way, each with the values that the record may have at its
    beginning. A part whose beginning is not known for certain is left out, and so is all that follows an unknown outcome."""
    part, end, first = [], -math.inf, frozenset([""])
    for one in sorted(operations, key=lambda one: one.called):
        if one.outcome not in (OK, UNKNOWN):
            continue
        if one.called > end and len(part) >= size:
            yield part, first
            last = max((each for each in part if each.outcome == OK), key=lambda each: each.revision)
            part, first = [], frozenset([last.value])
        if one.outcome == UNKNOWN:
            if one.kind == "write":
                break
            continue
        part.append(one)
        end = max(end, one.returned)
    if part:
        yield part, first

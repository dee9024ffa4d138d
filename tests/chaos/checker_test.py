#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The checker of histories: what must pass passes, what must fail fails, and a search over all orders agrees with it."""
import pathlib
import random
import tempfile
import time
import unittest

import exhaustive
from checker import Loss, check
from history import OK, REFUSED, UNKNOWN, History, Operation, never


def op(client, kind, called, returned, revision, value, outcome=OK, **more):
    owner, server = more.pop("owner", "user:1"), more.pop("server", "github")
    return Operation(client, kind, owner, server, called, returned, outcome, value, revision, **more)


def write(called, returned, revision, value, **more):
    return op(more.pop("client", "w"), "write", called, returned, revision, value, **more)


def read(called, returned, revision, value, **more):
    return op(more.pop("client", "r"), "read", called, returned, revision, value, **more)


def lost_answer(called, value, **more):
    return write(called, never(), 0, value, outcome=UNKNOWN, **more)


class Checked(unittest.TestCase):
    def good(self, *operations, losses=()):
        self.assertEqual(check(operations, losses).faults, [])

    def bad(self, words, *operations, losses=()):
        faults = check(operations, losses).faults
        self.assertTrue(faults, "nothing was found")
        self.assertIn(words, faults[0])


class Order(Checked):
    def test_reads_of_what_was_told_pass(self):
        self.good(read(0, 1, 0, ""), write(1, 2, 5, "a"), read(3, 4, 5, "a"), write(5, 6, 9, "b"), read(7, 8, 9, "b"))

    def test_a_read_beside_a_write_may_show_either(self):
        self.good(write(1, 2, 5, "a"), write(3, 6, 9, "b"), read(4, 5, 9, "b"), read(3.5, 5.5, 5, "a"))

    def test_a_stale_read_is_found(self):
        self.bad("was read as 5", write(1, 2, 5, "a"), write(3, 4, 9, "b"), read(5, 6, 5, "a"))

    def test_a_lost_ack_is_found(self):
        self.bad("was read as 0 (nothing)", write(1, 2, 5, "a"), read(3, 4, 0, ""))

    def test_a_resurrection_is_found(self):
        self.bad("was read as 5", write(1, 2, 5, "a"), read(3, 4, 5, "a"), write(5, 6, 7, "gone"), read(7, 8, 7, "gone"), read(9, 10, 5, "a"))

    def test_swapped_revisions_are_found(self):
        self.bad("was written as 5", write(1, 2, 9, "a"), write(3, 4, 5, "b"))

    def test_a_read_that_goes_back_before_any_ack_is_found(self):
        self.bad("was read as 5", write(1, 2, 5, "a"), write(3, 20, 9, "b"), read(4, 5, 9, "b"), read(6, 7, 5, "a"))

    def test_a_read_of_what_is_written_later_is_found(self):
        self.bad("was written as 5", read(1, 2, 5, "a"), write(3, 4, 5, "a"))


class Values(Checked):
    def test_a_torn_value_is_found(self):
        self.bad("was read as b", write(1, 2, 5, "a"), read(3, 4, 5, "b"))

    def test_a_double_revision_is_found(self):
        self.bad("given twice", write(1, 4, 5, "a"), write(2, 3, 5, "b"))

    def test_a_value_that_nobody_wrote_is_found(self):
        self.bad("nobody has written", write(1, 2, 5, "a"), read(3, 4, 6, "x"))

    def test_a_refused_write_that_shows_is_found(self):
        self.bad("which was refused", write(1, 2, 5, "a"), write(3, 4, 0, "x", outcome=REFUSED), read(5, 6, 6, "x"))

    def test_a_write_on_an_old_basis_is_found(self):
        self.bad("lies between", write(1, 2, 5, "a"), write(3, 4, 7, "b"), write(5, 6, 9, "c", basis=5))
        self.good(write(1, 2, 5, "a"), write(3, 4, 7, "b"), write(5, 6, 9, "c", basis=7))


class UnknownOutcomes(Checked):
    def test_they_may_show_or_not(self):
        self.good(write(1, 2, 5, "a"), lost_answer(3, "b"), read(4, 5, 5, "a"), read(6, 7, 8, "b"))
        self.good(write(1, 2, 5, "a"), lost_answer(3, "b"), read(4, 5, 5, "a"), write(6, 7, 9, "c"), read(8, 9, 9, "c"))

    def test_they_show_once(self):
        self.bad("nobody has written", lost_answer(1, "b"), read(2, 3, 5, "b"), read(4, 5, 9, "b"))

    def test_they_do_not_come_back(self):
        self.bad("was read as 6", lost_answer(1, "b"), read(2, 3, 6, "b"), write(4, 5, 9, "c"), read(6, 7, 6, "b"))


class AllowedLosses(Checked):
    ACKS = (write(1, 2, 5, "a"), write(3, 4, 7, "b"), write(5, 6, 9, "c"))

    def test_the_last_part_may_be_missing(self):
        verdict = check([*self.ACKS, read(11, 12, 5, "a")], [Loss(3, 8, 10)])
        self.assertEqual((verdict.faults, verdict.told, verdict.allowed, verdict.lost), ([], 3, 2, 2))

    def test_nothing_may_be_missing_that_was_told_before(self):
        self.bad("was read as 5", *self.ACKS, read(11, 12, 5, "a"), losses=[Loss(5, 8, 10)])
        self.bad("was read as 0", *self.ACKS, read(11, 12, 0, ""), losses=[Loss(3, 8, 10)])

    def test_nothing_may_be_missing_before_the_fault(self):
        self.bad("was read as 5", *self.ACKS, read(7, 8, 5, "a"), losses=[Loss(3, 8, 10)])

    def test_afterwards_nothing_goes_back_again(self):
        self.bad("was read as 5", *self.ACKS, read(11, 12, 5, "a"), write(13, 14, 11, "d"), read(15, 16, 5, "a"), losses=[Loss(3, 8, 10)])

    def test_what_was_begun_after_the_first_lost_write_is_lost_too(self):
        other = write(7, 8, 20, "z", server="wiki")
        self.bad("which was begun after it", *self.ACKS, other, read(11, 12, 5, "a"), read(11, 12, 20, "z", server="wiki"),
                 losses=[Loss(3, 8, 10)])


class Reads(unittest.TestCase):
    def test_a_file_holds_the_whole_history(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "history.jsonl"
            History([lost_answer(1, "b"), read(2, 3, 6, "b")]).write(path, {"seed": 7})
            history, about = History.read(path)
        self.assertEqual((len(history.operations), about), (2, {"seed": 7}))
        self.assertEqual(check(history.operations).faults, [])


def random_history(rng, count, clients=4, unknown=0.05):
    """What several clients see of a register that behaves: each operation takes effect at a moment between its call and its end."""
    moment = 0.0
    free = [0.0] * clients
    plans = []
    for n in range(count):
        client = rng.randrange(clients)
        called = free[client] + rng.random()
        effect = called + rng.random()
        returned = effect + rng.random()
        free[client] = returned
        plans.append((effect, called, returned, client, rng.random(), n))
    revision, value, done = 0, "", []
    for effect, called, returned, client, choice, n in sorted(plans):
        if choice < 0.5:
            if rng.random() < unknown:
                if rng.random() < 0.5:
                    revision, value = revision + rng.randrange(1, 9), f"t{n}"
                done.append(lost_answer(called, f"t{n}", client=str(client)))
                continue
            revision, value = revision + rng.randrange(1, 9), f"t{n}"
            done.append(write(called, returned, revision, value, client=str(client)))
        else:
            done.append(read(called, returned, revision, value, client=str(client)))
        moment = max(moment, returned)
    return done


class Search(unittest.TestCase):
    """The search over all orders, and the checker, on the same random histories."""

    def test_both_pass_what_a_register_shows(self):
        for seed in range(200):
            with self.subTest(seed=seed):
                history = random_history(random.Random(seed), 30)
                self.assertEqual(check(history).faults, [])
                self.assertTrue(exhaustive.explains(history))

    def test_the_checker_finds_all_that_the_search_finds(self):
        found = 0
        for seed in range(400):
            rng = random.Random(seed)
            history = random_history(rng, 24)
            reads = [one for one in history if one.kind == "read" and one.value]
            shown = [one for one in history if one.kind == "write" and one.outcome == OK]
            if not reads or not shown:
                continue
            wrong, source = rng.choice(reads), rng.choice(shown)
            wrong.revision, wrong.value = source.revision, source.value
            if not exhaustive.explains(history):
                found += 1
                self.assertTrue(check(history).faults, f"seed {seed}")
        self.assertGreater(found, 100)

    def test_parts_of_a_history_are_searched_one_after_the_other(self):
        history = random_history(random.Random(1), 300, clients=2, unknown=0)
        parts = list(exhaustive.windows(history))
        self.assertGreater(len(parts), 3)
        self.assertTrue(all(exhaustive.explains(part, first) for part, first in parts))
        stale = next(one for one in parts[-1][0] if one.kind == "read")
        stale.value = parts[0][0][0].value or "t0"
        self.assertFalse(exhaustive.explains(*parts[-1]))

    def test_too_many_at_once_are_not_searched(self):
        with self.assertRaises(exhaustive.TooWide):
            exhaustive.explains([write(0, 9, n + 1, f"t{n}") for n in range(exhaustive.WIDTH + 1)])


class Cost(unittest.TestCase):
    def test_a_hundred_thousand_operations_take_seconds(self):
        history = random_history(random.Random(3), 100_000, unknown=0)
        begun = time.process_time()
        self.assertEqual(check(history).faults, [])
        self.assertLess(time.process_time() - begun, 10)


if __name__ == "__main__":
    unittest.main()

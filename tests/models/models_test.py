#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the models of this folder exhaustively, and that their faults are found. usage: models_test.py CHECKOUT

Needs spin and a C compiler.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

MODELS = pathlib.Path(sys.argv.pop(1)).resolve() / "tests/models"


def violated(model, *defines):
    """What the first violation says; None where every reachable state was seen and all is well."""
    with tempfile.TemporaryDirectory() as folder:
        def run(*command):
            return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=100).stdout

        run("spin", "-a", *(f"-D{define}" for define in defines), str(MODELS / model))
        run(os.environ.get("CC", "cc"), "-O1", "-w", "-DSAFETY", "-o", "pan", "pan.c")
        said = run("./pan", "-m10000")
        errors = re.search(r"errors: (\d+)", said)
        if errors is None or "max search depth too small" in said or "out of memory" in said:
            raise AssertionError(said)
        if errors[1] == "0":
            return None
        return re.search(r"pan:1: (.*) \(at depth", said)[1]


class Lease(unittest.TestCase):
    def test_two_instances_lose_no_order_and_write_only_under_the_lease(self):
        self.assertIsNone(violated("lease.pml"))

    def test_three_instances_lose_no_order(self):
        self.assertIsNone(violated("lease.pml", "INSTANCES=3"))

    def test_no_two_faults_lose_an_order(self):
        self.assertIsNone(violated("lease.pml", "TWO_FAULTS"))

    def test_a_write_without_a_fence_is_found(self):
        self.assertIn("holder==me", violated("lease.pml", "NO_FENCE"))

    def test_an_order_that_was_lost_is_found(self):
        for faults in (["NO_REVISION", "LEASE_ONLY"], ["LATE_INDEX"], ["NO_CORRECTION"], ["LEASE_ONLY", "TWO_FAULTS"],
                       ["LEASE_ONLY", "INSTANCES=3"]):
            with self.subTest(faults=faults):
                self.assertEqual(violated("lease.pml", *faults), "assertion violated 0")


class Claim(unittest.TestCase):
    def test_no_crash_loses_a_connection_or_runs_it_twice(self):
        self.assertIsNone(violated("claim.pml"))

    def test_three_claims_at_once_lose_nothing(self):
        self.assertIsNone(violated("claim.pml", "CLAIMS=3"))

    def test_each_fault_is_found(self):
        for fault, says in {"DELETE_FIRST": "assertion violated 0", "NO_BASIS": "session_revision==basis", "NO_ORIGIN": "user_has_ended",
                            "NO_LEASE": "assertion violated 0", "EARLY_END": "assertion violated 0", "NO_FINISH": "intent==0"}.items():
            with self.subTest(fault=fault):
                self.assertIn(says, violated("claim.pml", fault) or "nothing was found")


class Failover(unittest.TestCase):
    def test_what_is_told_after_the_new_primary_is_known_stays(self):
        self.assertIsNone(violated("failover.pml"))

    def test_durable_writes_survive(self):
        self.assertIsNone(violated("failover.pml", "DURABLE"))

    def test_a_client_that_does_not_listen_is_found(self):
        self.assertEqual(violated("failover.pml", "KEEP_LINK"), "assertion violated 0")

    def test_a_loss_of_what_was_told_is_found(self):
        for faults in (["STRICT"], ["DURABLE", "NO_WAIT"], ["DURABLE", "WAITED=1"], ["DURABLE", "EMPTY_RESTART"]):
            with self.subTest(faults=faults):
                self.assertIn("told", violated("failover.pml", *faults) or "nothing was found")


if __name__ == "__main__":
    unittest.main()

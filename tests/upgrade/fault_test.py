#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The upgrade test fails for each way in which a version may be incompatible (faults.py), and says by which check.

    MCPSTATE=build/release/mcpstate tests/upgrade/fault_test.py --last "$(tests/upgrade/build_last_release)"
"""
import argparse
import pathlib
import re
import subprocess
import sys

from faults import FAULTS

TEST = pathlib.Path(__file__).with_name("upgrade_test.py")


def unnoticed(fault, store, checks, last):
    """What is wrong with how the test fails; nothing where it fails as it must."""
    ran = subprocess.run([sys.executable, "-B", TEST, "--last", last, "--store", store, "--fault", fault, "--seconds", "0"],
                         capture_output=True, text=True, timeout=300, check=False)
    found = re.search(r"FAILED, (\w+): ", ran.stderr)
    if ran.returncode != 1 or not found:
        return f"it ended with {ran.returncode}\n{ran.stdout}{ran.stderr}"
    print(f"{fault} on {store}: noticed by the check of {found[1]}", flush=True)
    return None if found[1] in checks else f"the checks {checks} should have noticed it\n{ran.stderr}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--last", required=True, help="the program of the last release")
    words = parser.parse_args()
    for fault, (stores, checks) in FAULTS.items():
        for store in stores:
            wrong = unnoticed(fault, store, checks, words.last)
            if wrong:
                sys.exit(f"{fault} on {store}: {wrong}")
    print(f"upgrade faults: all {len(FAULTS)} were noticed")


if __name__ == "__main__":
    main()

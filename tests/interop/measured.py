# SPDX-License-Identifier: MIT
"""Runs a program, and says in a file how it ended and how much memory it had at most. In a process of its own, because a
child counts what its parent had before it became itself.

usage: measured.py FILE PROGRAM [ARGUMENT...]
"""
import os
import sys

child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(child, 0)
with open(sys.argv[1], "w", encoding="ascii") as file:
    file.write(f"{os.waitstatus_to_exitcode(status)} {used.ru_maxrss}")

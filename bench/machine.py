# SPDX-License-Identifier: MIT
"""The machine that a benchmark runs on, as results have to name it."""
import datetime
import os
import platform

BUSY = ("**Others used the machine during this run**: operations per second, and so the ratios, are disturbed; processor time per "
        "operation much less so.")
PINNED = {"split": "servers on one, clients on the other", "one": "everything on one", "none": "nothing pinned"}


def processors(how):
    """Those of servers, and those of clients."""
    if how == "none" or os.cpu_count() < 2:
        return None, None
    first, second = sorted(os.sched_getaffinity(0))[:2]
    return ({first}, {second}) if how == "split" else ({first}, {first})


def processor_name():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def when_and_where(pin):
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    return f"{date}. {processor_name()}, {os.cpu_count()} processors ({PINNED[pin]}), Linux {platform.release().split('-')[0]}"


def load():
    return f"load average over the last 5 minutes at the end: {os.getloadavg()[1]:.1f} (the run itself is 1 to 2)."


def busy():
    return [BUSY] if os.getloadavg()[1] > 2.5 else []

# SPDX-License-Identifier: MIT
"""What an incompatible version would do to the store, so that the upgrade test can show that it notices."""
import pathlib
import shutil
import threading

# Each fault: on which stores it can be, and the checks that notice it.
FAULTS = {
    # The new program names its keys, or its file, in another way.
    "layout": (("redis", "sqlite"), {"leases"}),
    # The new program is a copy that writes the head of a record in another format.
    "program": (("redis", "redis-tagged"), {"reading", "lost", "events", "write", "command"}),
    # A record is rewritten in another format.
    "record": (("redis", "sqlite"), {"reading", "lost", "events"}),
    # An acknowledged write is undone.
    "tools": (("redis", "sqlite"), {"reading", "lost", "events"}),
    # Leases are rewritten in another format.
    "leases": (("redis", "sqlite"), {"leases", "connect", "call"}),
    # A change is written down nowhere but in its record.
    "events": (("sqlite",), {"events"}),
    # An invariant is broken that only an examination of the store shows.
    "expiry": (("redis", "redis-tagged", "sqlite"), {"doctor"}),
}


def patched(program, folder):
    """A copy of the program whose scripts write the revision under another name."""
    copy = pathlib.Path(shutil.copy(program, pathlib.Path(folder) / "patched"))
    image = copy.read_bytes()
    assert b'{"revision":' in image, "the scripts of the program do not write what the patch is for"
    copy.write_bytes(image.replace(b'{"revision":', b'{"revisiom":'))
    return str(copy)


class Damage:
    """Damages the store again and again from start() to stop(), and at_the_end()."""

    def __init__(self, fault, store, of_a_writer, managed):
        self.fault, self.store, self.managed = fault, store, managed
        self.act = {"record": lambda: store.damage_record(*of_a_writer), "tools": lambda: store.damage_tools(*of_a_writer),
                    "leases": store.damage_leases, "events": lambda: store.damage_events()}.get(fault)
        self.stopping, self.thread = threading.Event(), threading.Thread(target=self.repeat)

    def repeat(self):
        while not self.stopping.wait(0.001):
            self.act()

    def start(self):
        if self.act:
            self.thread.start()

    def stop(self):
        self.stopping.set()
        if self.thread.ident is not None:
            self.thread.join()

    def at_the_end(self):
        if self.fault == "expiry":
            self.store.damage_expiry(*self.managed)

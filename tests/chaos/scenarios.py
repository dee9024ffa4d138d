# SPDX-License-Identifier: MIT
"""What is played: a stage, a fault, how long it lasts, and what may be lost by it. The names stand in docs/reliability.md."""
import dataclasses
import math

import faults
import topology_faults
from stage import Cluster, Sentinels, Single

ALL = math.inf
WINDOW = 2  # seconds before a failover: what the Sentinels or the nodes need to notice, and one more
DURABLE = ("--durable",)
EVERYTHING_ON_DISK = ("--appendonly", "yes", "--appendfsync", "always")
EACH_SECOND = ("--appendonly", "yes", "--appendfsync", "everysec")
# Faults that lose nothing where everything is on disk.
HARMLESS = (faults.KillServer, faults.Freeze, faults.LostConnections, faults.way("cut"), faults.way("hold", "up"), faults.way("hold", "down"),
            faults.way("delay", 150), faults.NoClients, faults.NoRights, faults.ForgottenScripts, faults.KillService)


@dataclasses.dataclass
class Scenario:
    name: str
    fault: type
    seconds: float            # that the fault lasts
    loss: float = 0           # seconds before the fault: writes told in them may be missing. ALL: everything that is stored
    options: tuple = ()       # of the servers
    stage: type = Single
    rounds: int = 10          # `make chaos`
    short: int = 0            # `make test`
    patience: float = 5.0     # seconds from the end of the fault to an answer for everybody
    arguments: tuple = ()     # of each mcpstate
    orders: bool = True       # connections that are managed survive


SCENARIOS = [
    Scenario("the server is killed, nothing on disk", faults.KillServer, 0.5, loss=ALL, rounds=20, short=1, orders=False),
    Scenario("the server is killed, on disk each second", faults.KillServer, 0.5, loss=2, options=EACH_SECOND, rounds=20),
    Scenario("the server is killed, on disk at once", faults.KillServer, 0.5, options=EVERYTHING_ON_DISK, rounds=20, short=1),
    Scenario("the server is down for 5 s", faults.KillServer, 5, options=EVERYTHING_ON_DISK),
    Scenario("the server loads its data", faults.LoadSlowly, 0, options=EVERYTHING_ON_DISK, rounds=3),
    Scenario("the server hangs for 3 s", faults.Freeze, 3, short=1),
    Scenario("the server hangs for 10 s", faults.Freeze, 10),
    Scenario("all connections are cut", faults.LostConnections, 0.3),
    Scenario("the way to the server is cut", faults.way("cut"), 1.5, short=1),
    Scenario("requests do not reach the server", faults.way("hold", "up"), 3),
    Scenario("answers do not come back", faults.way("hold", "down"), 3, short=1),
    Scenario("each answer takes 300 ms longer", faults.way("delay", 150), 2),
    Scenario("the server's memory is full", faults.setting("out_of_memory", "maxmemory", 1, 0), 1, rounds=3, short=1),
    Scenario("the server cannot save", faults.CannotSave, 1, rounds=3),
    Scenario("the server takes no connections", faults.NoClients, 1, rounds=3),
    Scenario("the server is busy with a script", faults.Busy, 1, rounds=3),
    Scenario("scripts are forbidden", faults.NoRights, 1, rounds=3),
    Scenario("scripts are forgotten", faults.ForgottenScripts, 0.3, rounds=3),
    Scenario("a service is killed", faults.KillService, 0.3, rounds=20, short=1),
    Scenario("commands are killed", faults.KillCommands, 3, rounds=20, short=1),
    Scenario("one after the other, at random", faults.mixed(HARMLESS, 30, 3), 0, options=EVERYTHING_ON_DISK, rounds=1),
    Scenario("Sentinel: the primary is killed", topology_faults.KillPrimary, 0, loss=WINDOW, stage=Sentinels, rounds=20, short=1),
    Scenario("Sentinel: the primary hangs, and is back", topology_faults.FreezePrimary, 0, loss=WINDOW, stage=Sentinels, rounds=20),
    Scenario("Sentinel: a planned failover", topology_faults.PlannedFailover, 0, loss=WINDOW, stage=Sentinels, rounds=20),
    Scenario("Sentinel: two of three Sentinels are killed", topology_faults.KillSentinels, 2, stage=Sentinels),
    Scenario("durable: the primary is killed", topology_faults.KillPrimary, 0, stage=Sentinels, arguments=DURABLE, rounds=20),
    Scenario("durable: the primary hangs, and is back", topology_faults.FreezePrimary, 0, stage=Sentinels, arguments=DURABLE, rounds=20),
    Scenario("durable: a planned failover", topology_faults.PlannedFailover, 0, stage=Sentinels, arguments=DURABLE, rounds=20),
    Scenario("cluster: a primary is killed", topology_faults.KillPrimary, 0, loss=WINDOW, stage=Cluster, rounds=20, short=1),
    Scenario("cluster: a primary hangs, and is back", topology_faults.FreezePrimary, 0, loss=WINDOW, stage=Cluster, rounds=20),
    Scenario("cluster: a replica is killed", topology_faults.KillReplica, 1, stage=Cluster),
    Scenario("cluster: a planned failover", topology_faults.PlannedFailover, 0, stage=Cluster, rounds=20),
    Scenario("cluster: all nodes are restarted", topology_faults.RollingRestart, 0, stage=Cluster, rounds=3),
    Scenario("cluster: slots move", topology_faults.MovingSlots, 0, stage=Cluster),
    Scenario("cluster: slots move, and stop half way", topology_faults.FrozenSlots, 0, stage=Cluster),
]

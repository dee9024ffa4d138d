# SPDX-License-Identifier: MIT
"""A Redis Cluster for tests in Python: what makes one of servers that run, and servers to make it of."""
import shutil
import socket
import time

from redis_sandbox import RedisServer

SLOTS = 16384
NODE_TIMEOUT_MS = 1500


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def node_options(bus_port):
    """Of a server that will be a node."""
    return ["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", str(NODE_TIMEOUT_MS),
            "--cluster-port", str(bus_port), "--repl-diskless-sync-delay", "0"]


def wait_until(holds, what, limit=30):
    until = time.monotonic() + limit
    while not holds():
        if time.monotonic() > until:
            raise AssertionError(f"in vain: {what}")
        time.sleep(0.02)


def form_cluster(nodes, ports, bus_ports, primaries=3):
    """nodes: a client of each server. The first ones become primaries with equal parts of the slots, the others their replicas."""
    ids = [node.execute_command("CLUSTER", "MYID") for node in nodes]
    ids = [one.decode() if isinstance(one, bytes) else one for one in ids]
    size = SLOTS // primaries
    for n, node in enumerate(nodes[:primaries]):
        last = SLOTS - 1 if n + 1 == primaries else (n + 1) * size - 1
        node.execute_command("CLUSTER", "ADDSLOTSRANGE", n * size, last)
        node.execute_command("CLUSTER", "SET-CONFIG-EPOCH", n + 1)
    for port, bus_port in list(zip(ports, bus_ports))[1:]:
        nodes[0].execute_command("CLUSTER", "MEET", "127.0.0.1", port, bus_port)
    for n, node in enumerate(nodes[primaries:]):
        wait_until(lambda node=node, n=n: is_replica_of(node, ids[n % primaries]), "a replica joins")
    for n, node in enumerate(nodes):
        wait_until(lambda node=node, n=n: works(node, len(nodes), n < primaries), "the cluster works")
    return ids


def is_replica_of(node, primary):
    try:
        node.execute_command("CLUSTER", "REPLICATE", primary)
        return True
    except Exception:  # pylint: disable=broad-except
        return False  # it does not know that node yet


def cluster_info(node):
    answer = node.execute_command("CLUSTER", "INFO")
    if isinstance(answer, dict):
        return answer
    text = answer.decode() if isinstance(answer, bytes) else answer
    return dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line)


def works(node, size, is_primary):
    info = cluster_info(node)
    if info["cluster_state"] != "ok" or int(info["cluster_known_nodes"]) != size:
        return False
    return is_primary or node.info("replication").get("master_link_status") == "up"


class ClusterServers:
    """Three primaries and three replicas, for as long as the object is open."""

    def __init__(self, primaries=3, replicas=3):
        buses = [free_port() for _ in range(primaries + replicas)]
        self.servers = [RedisServer(*node_options(bus)) for bus in buses]
        self.clients = [server.client(decode_responses=True) for server in self.servers]
        form_cluster(self.clients, [server.port for server in self.servers], buses, primaries)

    @property
    def port(self):
        return self.servers[0].port

    def close(self):
        for client in self.clients:
            client.close()
        for server in self.servers:
            server.process.kill()
            server.process.wait()
            shutil.rmtree(server.directory, ignore_errors=True)

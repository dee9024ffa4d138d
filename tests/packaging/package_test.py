#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Builds the Debian package, installs it into a directory of its own by dpkg, and starts the service as its unit says.

usage: package_test.py BUILD_DIRECTORY SOURCE
"""
import glob
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.request

BUILD, SOURCE = None, None
FILES = {
    "/usr/bin/mcpstate": "-rwxr-xr-x root/root",
    "/usr/lib/systemd/system/mcpstate.service": "-rw-r--r-- root/root",
    "/etc/default/mcpstate": "-rw-r--r-- root/root",
    "/usr/share/doc/mcpstate/copyright": "-rw-r--r-- root/root",
    "/usr/share/doc/mcpstate/README.md": "-rw-r--r-- root/root",
    "/usr/share/doc/mcpstate/CHANGELOG.md": "-rw-r--r-- root/root",
    "/usr/share/doc/mcpstate/http.md": "-rw-r--r-- root/root",
    "/usr/share/doc/mcpstate/operations.md": "-rw-r--r-- root/root",
    "/usr/share/doc/mcpstate/mcp.md": "-rw-r--r-- root/root",
    "/usr/share/doc/mcpstate/redis.md": "-rw-r--r-- root/root",
    "/usr/share/doc/mcpstate/reliability.md": "-rw-r--r-- root/root",
    "/usr/share/doc/mcpstate/backup.md": "-rw-r--r-- root/root",
    "/usr/share/doc/mcpstate/compatibility.md": "-rw-r--r-- root/root",
    "/usr/share/doc/mcpstate/SECURITY.md": "-rw-r--r-- root/root",
    "/usr/share/doc/mcpstate/changelog.gz": "-rw-r--r-- root/root",
    "/usr/share/doc/mcpstate/prometheus-rules.yml": "-rw-r--r-- root/root",
}


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **more)
    assert done.returncode == 0, f"{shlex.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def unit_settings(text, key):
    return re.findall(rf"^{key}=(.*)$", text, re.M)


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temp = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temp.cleanup)
        run("cpack", "--config", os.path.join(BUILD, "CPackConfig.cmake"), "-B", cls.temp.name, cwd=BUILD)
        cls.deb, = glob.glob(cls.temp.name + "/*.deb")

    def test_it_holds_what_it_should_and_nothing_else(self):
        listed = {}
        for line in run("dpkg-deb", "-c", self.deb).splitlines():
            mode, who, _, _, _, path = line.split(None, 5)
            if not mode.startswith("d"):
                listed[path.lstrip(".")] = f"{mode} {who}"
        self.assertEqual(listed, FILES)
        control = run("dpkg-deb", "-f", self.deb)
        self.assertIn("Package: mcpstate", control)
        needs = re.search(r"^Depends: (.*)$", control, re.M)[1]
        for library in ("libssl3", "libsqlite3-0", "libstdc++6", "ca-certificates"):
            self.assertIn(library, needs)
        self.assertNotIn("libboost", needs)
        self.assertNotRegex(needs, r"-dev\b")

    def test_installed_and_started_it_serves_and_stops_cleanly(self):
        root = self.temp.name + "/root"
        for name in ("info", "updates"):
            os.makedirs(f"{root}/var/lib/dpkg/{name}")
        open(f"{root}/var/lib/dpkg/status", "w").close()
        run("dpkg", f"--root={root}", "--force-depends", "--force-script-chrootless", "--force-not-root", "--force-bad-path",
            f"--log={self.temp.name}/dpkg.log", "-i", self.deb)
        self.assertIn("install ok installed", run("dpkg-query", f"--admindir={root}/var/lib/dpkg", "-W", "-f", "${Status}", "mcpstate"))
        with open(f"{root}/usr/lib/systemd/system/mcpstate.service", encoding="utf-8") as file:
            unit = file.read()
        command, = unit_settings(unit, "ExecStart")
        env = {"PATH": "/usr/bin:/bin"}
        env.update(setting.split("=", 1) for setting in unit_settings(unit, "Environment"))
        env["MCPSTATE_OPTIONS"] = "--log json --allow-host mcp.example"  # as somebody may write in /etc/default/mcpstate
        words = shlex.split(re.sub(r"\$(\w+)", lambda variable: env[variable[1]], command))
        self.assertEqual(env["MCPSTATE_LISTEN"], "127.0.0.1:7337")
        env["MCPSTATE_LISTEN"] = "127.0.0.1:0"  # the port of the unit may be somebody's
        state = root + "/var/lib/" + unit_settings(unit, "StateDirectory")[0]
        os.makedirs(state)
        env["REDIS_URL"] = env["REDIS_URL"].replace("/var/lib/mcpstate", state)
        self.serve([root + words[0], *words[1:]], env, state)

    def serve(self, words, env, state):
        service = subprocess.Popen(words, env=env, cwd=state, stdout=subprocess.PIPE, text=True)
        try:
            where = re.search(r"http://[0-9.:]+", service.stdout.readline())[0]
            with urllib.request.urlopen(where + "/healthz", timeout=10) as answer:
                self.assertEqual(answer.status, 200)
            with urllib.request.urlopen(where + "/readyz", timeout=10) as answer:
                self.assertEqual(answer.status, 200)
            behind_a_proxy = urllib.request.Request(where + "/healthz", headers={"Host": "mcp.example"})
            with urllib.request.urlopen(behind_a_proxy, timeout=10) as answer:
                self.assertEqual(answer.status, 200)
            self.assertTrue(os.path.exists(state + "/state.db"))
            service.send_signal(signal.SIGTERM)
            self.assertEqual(service.wait(timeout=10), 0, "a stop that was asked for is a success for systemd")
        finally:
            if service.poll() is None:
                service.kill()
                service.wait()
            service.stdout.close()

    def test_systemd_understands_the_unit_and_finds_little_exposed(self):
        with open(SOURCE + "/packaging/mcpstate.service", encoding="utf-8") as file:
            unit = file.read()
        path = self.temp.name + "/mcpstate.service"
        with open(path, "w", encoding="utf-8") as file:
            file.write(unit.replace("/usr/bin/mcpstate", BUILD + "/mcpstate"))
        said = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True, timeout=60, check=False)
        self.assertNotIn("mcpstate", said.stdout + said.stderr, "a line for each thing that is wrong with it")
        run("systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", path)

    def test_the_unit_bounds_what_its_programs_take_and_never_gives_up(self):
        with open(SOURCE + "/packaging/mcpstate.service", encoding="utf-8") as file:
            unit = file.read()
        for key, value in (("Type", "notify"), ("NotifyAccess", "main"), ("StartLimitIntervalSec", "0"), ("LimitCORE", "0")):
            self.assertEqual(unit_settings(unit, key), [value], key)
        for key in ("MemoryMax", "TasksMax"):
            self.assertEqual(len(unit_settings(unit, key)), 1, key)

    def test_the_image_has_an_init_and_a_health_check_that_works(self):
        with open(SOURCE + "/packaging/Dockerfile", encoding="utf-8") as file:
            text = file.read().replace("\\\n", " ")
        self.assertRegex(text, r'(?m)^ENTRYPOINT \["/usr/bin/tini", "--", "mcpstate"\]$')
        self.assertRegex(text, r"apt-get install [^&]*\btini\b")
        check = json.loads(re.search(r"(?m)^HEALTHCHECK .*CMD +(\[.*\])$", text)[1])
        with subprocess.Popen([BUILD + "/mcpstate", "serve", "--store", "memory:", "--listen", "127.0.0.1:0"], text=True,
                              cwd=self.temp.name, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as service:
            try:
                port = re.search(r"http://127.0.0.1:(\d+)", service.stdout.readline())[1]
                check = [word.replace("/7337", "/" + port) for word in check]
                self.assertEqual(subprocess.run(check, check=False, timeout=20).returncode, 0)
            finally:
                service.kill()
        self.assertNotEqual(subprocess.run(check, check=False, timeout=20, stderr=subprocess.DEVNULL).returncode, 0)

    def test_systemd_understands_what_the_manual_adds_to_the_unit(self):
        with open(SOURCE + "/packaging/mcpstate.service", encoding="utf-8") as file:
            unit = file.read()
        with open(SOURCE + "/docs/operations.md", encoding="utf-8") as file:
            added, = re.findall(r"```ini\n(\[Service\]\n.*?)```", file.read(), re.S)
        self.assertEqual(unit_settings(added, "LoadCredential"), ["tokens:/etc/mcpstate/tokens", "servers:/etc/mcpstate/servers.json",
                                                                   "redis-password:/etc/mcpstate/redis-password",
                                                                   "redis.crt:/etc/mcpstate/redis.crt", "redis.key:/etc/mcpstate/redis.key"])
        os.makedirs(self.temp.name + "/mcpstate.service.d", exist_ok=True)
        with open(self.temp.name + "/mcpstate.service.d/override.conf", "w", encoding="utf-8") as file:
            file.write(added)
        self.addCleanup(os.remove, file.name)
        path = self.temp.name + "/mcpstate.service"
        with open(path, "w", encoding="utf-8") as file:
            file.write(unit.replace("/usr/bin/mcpstate", BUILD + "/mcpstate"))
        said = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, "SYSTEMD_UNIT_PATH": self.temp.name + ":"})
        self.assertNotIn("mcpstate", said.stdout + said.stderr)

    def test_what_was_built_here_does_not_go_into_the_image(self):
        with open(SOURCE + "/.dockerignore", encoding="utf-8") as file:
            left_out = file.read().split("\n")
        for name in ("build", "**/node_modules", ".git"):
            self.assertIn(name, left_out)

    def test_what_the_image_is_made_of_is_there(self):
        with open(SOURCE + "/packaging/Dockerfile", encoding="utf-8") as file:
            text = file.read()
        self.assertIn("make package", text)
        with open(SOURCE + "/Makefile", encoding="utf-8") as file:
            self.assertRegex(file.read(), r"(?m)^package:")
        for name in re.findall(r"COPY (?:--\S+ )?(\S+) ", text):
            if not name.startswith("/"):
                self.assertTrue(os.path.exists(os.path.join(SOURCE, name)), name)


if __name__ == "__main__":
    BUILD, SOURCE = (os.path.abspath(word) for word in sys.argv[1:3])
    unittest.main(argv=sys.argv[:1], verbosity=2)

#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Passwords, certificates and authorities of a Redis, as an operator changes them under a service that goes on."""
import os
import pathlib
import signal
import subprocess
import unittest

from redis_sandbox import PROGRAM, RedisServer, Sandbox, eventually
from serving import Service

PASSWORD = "a-password-that-nobody-may-see"
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class Authority:
    """A certificate authority in a folder of its own."""

    def __init__(self, folder, name):
        self.folder, self.name = pathlib.Path(folder), name
        self.openssl("req", "-x509", *NEW_KEY, "-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.crt")

    def openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

    @property
    def certificate(self):
        return str(self.folder / f"{self.name}.crt")

    def issue(self, name, names="DNS:localhost"):
        """Paths of a certificate and its key."""
        (self.folder / f"{name}.ext").write_text(f"subjectAltName={names}\n", "ascii")
        self.openssl("req", *NEW_KEY, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{self.name}.crt", "-CAkey", f"{self.name}.key", "-CAcreateserial",
                     "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.crt")
        return str(self.folder / f"{name}.crt"), str(self.folder / f"{name}.key")


def replace(path, text):
    new = pathlib.Path(str(path) + ".new")
    new.write_text(text, "utf-8")
    new.rename(path)


class CredentialsTest(unittest.TestCase):
    def setUp(self):
        self.box = Sandbox()
        self.addCleanup(self.box.close)

    def redis(self, *options, **more):
        server = RedisServer(*options, **more)
        self.addCleanup(server.close)
        return server

    def tls_redis(self, authority, shown):
        """One that asks for client certificates, as Redis does by itself."""
        return self.redis("--tls-auth-clients", "yes", "--tls-ca-cert-file", authority.certificate, "--tls-cert-file", shown[0],
                          "--tls-key-file", shown[1], tls=True)

    def serve(self, *words, **env):
        service = Service(PROGRAM, *words, "--timeout", "2s", env=env, cwd=self.box.home)
        self.addCleanup(service.end)
        return service

    def refused(self, code, says, *words, **more):
        answer = self.box.run(*words, **more)
        text = answer.err.decode()
        self.assertEqual(answer.code, code, answer)
        self.assertIn(says, text)
        self.assertNotIn(PASSWORD, text)
        return text

    def is_ready(self, service):
        return service.ask("GET", "/readyz").status == 200

    def logged(self, service, word):
        return any(word in line for line in service.log)


class Certificates(CredentialsTest):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.box.home, "first")
        self.server = self.tls_redis(self.authority, self.authority.issue("redis"))
        self.url = f"rediss://localhost:{self.server.port}/0"

    def test_options_and_the_url_say_the_same(self):
        certificate, key = self.authority.issue("client")
        trusted = ["--ca-file", self.authority.certificate]
        self.box.ok("list", "--store", self.url, *trusted, "--cert-file", certificate, "--key-file", key)
        words = f"{self.url}?ssl_ca_certs={self.authority.certificate}&ssl_certfile={certificate}&ssl_keyfile={key}"
        self.box.ok("list", "--store", words)
        self.box.ok("list", REDIS_URL=words)
        # What the host is called does not matter where that is said.
        elsewhere = words.replace("localhost", "127.0.0.1")
        text = self.refused(3, "its certificate is for another name than 127.0.0.1", "list", "--store", elsewhere)
        self.assertIn("the certificate is for localhost", text)
        self.box.ok("list", "--store", elsewhere + "&ssl_check_hostname=false")

    def test_what_is_missing_or_wrong_is_named(self):
        certificate, key = self.authority.issue("client")
        locked = key + ".locked"
        self.authority.openssl("pkey", "-in", key, "-aes256", "-passout", "pass:" + PASSWORD, "-out", locked)
        trusted = ["--store", self.url, "--ca-file", self.authority.certificate]
        self.refused(3, "client certificate", "list", *trusted)
        self.refused(2, "--cert-file /nowhere cannot be read: No such file", "list", *trusted, "--cert-file", "/nowhere")
        self.refused(2, "name that with --cert-file", "list", *trusted, "--key-file", key)
        self.refused(3, f"the key in {locked} has a pass phrase", "list", *trusted, "--cert-file", certificate, "--key-file", locked)
        stranger = Authority(self.box.home, "stranger").issue("guest")
        self.refused(3, "client certificate", "list", *trusted, "--cert-file", stranger[0], "--key-file", stranger[1])

    def test_a_new_authority_is_trusted_without_a_restart(self):
        trusted = self.box.file("trusted.pem", pathlib.Path(self.authority.certificate).read_bytes())
        certificate, key = self.authority.issue("client")
        service = self.serve("--store", f"{self.url}?ssl_ca_certs={trusted}&ssl_certfile={certificate}&ssl_keyfile={key}")
        self.assertTrue(self.is_ready(service))
        replace(trusted, "half of a file")
        self.disconnect_all()
        eventually(lambda: self.logged(service, "the credentials of the store stay as they were"), 20, "the broken file is told")
        eventually(lambda: self.is_ready(service), 20, "the authority of before is still trusted")

        second = Authority(self.box.home, "second")
        replace(trusted, pathlib.Path(second.certificate).read_text("ascii"))
        shown = second.issue("redis2")
        self.server.stop()
        self.server.options[4:8] = ["--tls-cert-file", shown[0], "--tls-key-file", shown[1]]
        self.assertTrue(self.server.start(), self.server.log())
        eventually(lambda: self.is_ready(service), 20, "the new authority is trusted")

    def disconnect_all(self):
        import redis
        with redis.Redis(unix_socket_path=self.server.socket_path) as operator:
            operator.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


class Passwords(CredentialsTest):
    def setUp(self):
        super().setUp()
        self.server = self.redis("--requirepass", PASSWORD)
        self.url = f"redis://127.0.0.1:{self.server.port}/0"
        self.file = self.box.file("password", PASSWORD + "\n")

    def test_come_from_a_file(self):
        self.box.ok("list", "--store", self.url, "--password-file", self.file)
        self.box.ok("list", "--store", self.url, REDIS_PASSWORD_FILE=self.file)
        self.box.file(".env", f"REDIS_URL={self.url}\nREDIS_PASSWORD_FILE={self.file}\n")
        self.box.ok("list")
        self.assertIn("signed in as user default", self.box.ok("doctor").text)

    def test_are_refused_in_two_places_and_not_guessed(self):
        with_password = self.url.replace("redis://", f"redis://:{PASSWORD}@")
        self.box.ok("list", "--store", with_password, REDIS_PASSWORD_FILE="/nowhere")
        self.refused(2, "leave one out", "list", "--store", with_password, "--password-file", self.file)
        self.refused(2, "REDIS_PASSWORD_FILE /nowhere cannot be read", "list", "--store", self.url, REDIS_PASSWORD_FILE="/nowhere")
        empty = self.box.file("empty", "\n")
        self.refused(3, f"the password file {empty} cannot be used: it is empty", "list", "--store", self.url, "--password-file", empty)
        two = self.box.file("two", PASSWORD + "\nsecond\n")
        self.refused(3, "it has more than one line", "list", "--store", self.url, "--password-file", two)

    def test_that_change_are_used_by_a_service_that_goes_on_and_seen_nowhere(self):
        service = self.serve("--store", self.url, "--log-level", "debug", REDIS_PASSWORD_FILE=self.file)
        self.assertTrue(self.is_ready(service))
        operator = self.server.client(password=PASSWORD)
        self.addCleanup(operator.close)
        second = PASSWORD + "-2"
        operator.config_set("requirepass", second)
        replace(self.file, second)
        operator.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        eventually(lambda: self.is_ready(service), 20, "the new password is used")
        # One that is wrong is told by the server's own refusal.
        replace(self.file, "wrong")
        operator.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        eventually(lambda: not self.is_ready(service), 20, "the wrong password is used")
        seen = [pathlib.Path(f"/proc/{service.process.pid}/{name}").read_bytes() for name in ("cmdline", "environ")]
        seen.append(service.ask("GET", "/readyz").body)
        replace(self.file, second)
        eventually(lambda: self.is_ready(service), 20, "ready again")
        seen.append(service.ask("GET", "/metrics").body)
        service.end(signal.SIGTERM)
        seen.append("".join(service.said + service.log).encode())
        for text in seen:
            self.assertNotIn(PASSWORD.encode(), text)


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/env python3
"""Password hashes that passlib made, verified by us. scripts/interop installs the package and
runs this."""

import json
import subprocess
import sys

from passlib import hash as formats

# Costs that a test can wait for: the formats are what is compared here.
SCHEMES = [
    formats.bcrypt.using(rounds=4, ident="2b"),
    formats.bcrypt.using(rounds=4, ident="2a"),
    formats.bcrypt.using(rounds=4, ident="2y"),
    formats.bcrypt_sha256.using(rounds=4),
    formats.django_bcrypt.using(rounds=4),
    formats.django_bcrypt_sha256.using(rounds=4),
    formats.scrypt.using(rounds=8),
    formats.pbkdf2_sha1.using(rounds=1000),
    formats.pbkdf2_sha256.using(rounds=1000),
    formats.pbkdf2_sha512.using(rounds=1000),
    formats.django_pbkdf2_sha1.using(rounds=1000),
    formats.django_pbkdf2_sha256.using(rounds=1000),
    formats.sha256_crypt.using(rounds=1000),
    formats.sha512_crypt.using(rounds=1000),
    formats.phpass.using(rounds=8),
    formats.phpass.using(rounds=8, ident="H"),
    formats.argon2.using(type="ID", memory_cost=8192, time_cost=1, parallelism=1),
    formats.argon2.using(type="I", memory_cost=8192, time_cost=1, parallelism=1),
    formats.argon2.using(type="D", memory_cost=8192, time_cost=1, parallelism=1),
]
PASSWORDS = ["nine purple lanterns drift", "Grüße, 世界 — pass phrase", "x" * 72]


class Probe:
    def __init__(self, path):
        self.process = subprocess.Popen(
            [path, "password"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def is_accepted(self, stored, password):
        record = {"id": 1, "hash": stored, "password": password}
        self.process.stdin.write(json.dumps(record) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer
        return answer["outcome"] == "accept"


def main():
    probe, count = Probe(sys.argv[1]), 0
    for scheme in SCHEMES:
        for password in PASSWORDS:
            stored = scheme.hash(password)
            assert probe.is_accepted(stored, password), f"refused its own password: {stored}"
            # A letter before the end, for bcrypt sees 72 bytes and no more.
            wrong = "y" + password[1:]
            assert not probe.is_accepted(stored, wrong), f"accepted another password: {stored}"
            count += 2
    print(f"  passlib: {count} verifications of {len(SCHEMES)} formats agree")


main()

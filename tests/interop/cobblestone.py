#!/usr/bin/env python3
"""Bare streams of Cobblestone-256, sealed by the `cryptography` package for Python and opened
by us, and the reverse. scripts/interop installs the package and runs this."""

import base64
import json
import os
import subprocess
import sys

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor

CHUNK = 16 * 1024
LENGTHS = [0, 1, 15, 16, 17, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 5 * CHUNK + 7, 3 << 20]
CONTEXTS = [b"", b"context", bytes(range(256)) * 4]


class Probe:
    def __init__(self, path):
        self.process = subprocess.Popen(
            [path, "cobblestone"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, op, key, context, data):
        """What the probe opened or sealed; None when it refused."""
        record = {
            "id": op,
            "op": op,
            "key": key.hex(),
            "context": context.hex(),
            "data_b64": base64.b64encode(data).decode(),
        }
        self.process.stdin.write(json.dumps(record) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if answer.get("outcome") == "reject":
            return None
        return base64.b64decode(answer["data_b64"])


def encrypt(key, context, data):
    encryptor = Cobblestone256Encryptor(key, context)
    return encryptor.update(data) + encryptor.finalize()


def decrypt(key, context, data):
    decryptor = Cobblestone256Decryptor(key, context)
    return decryptor.update(data) + decryptor.finalize()


def changed(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def main():
    probe = Probe(sys.argv[1])
    cases = 0
    for length in LENGTHS:
        for context in CONTEXTS:
            key, data = os.urandom(32), os.urandom(length)
            theirs = encrypt(key, context, data)
            assert probe.ask("open", key, context, theirs) == data, f"we open theirs: {length}"
            ours = probe.ask("seal", key, context, data)
            assert decrypt(key, context, ours) == data, f"they open ours: {length}"
            assert len(ours) == len(theirs)
            wrong = [
                (key, context, theirs[:-1]),
                (key, context, theirs + b"\0"),
                (key, context, changed(theirs, 0)),
                (key, context, changed(theirs, 55)),
                (key, context, changed(theirs, len(theirs) // 2)),
                (key, context, changed(theirs, len(theirs) - 1)),
                (key, context + b"x", theirs),
                (os.urandom(32), context, theirs),
            ]
            for case in wrong:
                assert probe.ask("open", *case) is None, f"we open what is wrong: {length}"
            cases += 2 + len(wrong)
    print(f"  Cobblestone-256 with Python's cryptography: {cases} cases")


if __name__ == "__main__":
    main()

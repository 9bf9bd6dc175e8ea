#!/usr/bin/env python3
"""The second factor of examples/secure_api, with the codes of pyotp: enrolled, confirmed, logged
in with, and used up. scripts/interop installs the package and runs this."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pyotp

ANN = {"email": "ann@example.com", "password": "nine purple lanterns drift"}


class Service:
    def __init__(self, path):
        environment = {**os.environ, "PORT": "0", "RUST_LOG": "off"}
        self.process = subprocess.Popen(
            [path], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        line = self.process.stdout.readline()
        assert line.startswith("listening on "), line
        self.address = line.removeprefix("listening on ").strip()

    def post(self, path, body=None, token=None):
        request = urllib.request.Request(self.address + path, method="POST")
        if body is not None:
            request.add_header("content-type", "application/json")
            request.data = json.dumps(body).encode()
        if token is not None:
            request.add_header("authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())


def check(service):
    status, _ = service.post("/register", {**ANN, "name": "Ann"})
    assert status == 201, status
    _, login = service.post("/login", ANN)
    token = login["access_token"]
    status, enrolment = service.post("/totp/enrol", token=token)
    assert status == 200, enrolment
    app = pyotp.parse_uri(enrolment["otpauth_uri"])
    assert app.name == ANN["email"], app.name
    now = time.time()
    status, confirmed = service.post("/totp/confirm", {"code": app.at(now)}, token)
    assert status == 200, confirmed

    def log_in(code):
        _, half = service.post("/login", ANN)
        assert half["mfa_required"] is True, half
        return service.post("/login/totp", {"mfa_token": half["mfa_token"], "code": code})[0]

    expected = [(app.at(now), 401), ("000000", 401), (app.at(now + 30), 200), (app.at(now + 30), 401)]
    for code, wanted in expected:
        got = log_in(code)
        assert got == wanted, f"{code}: {got}, and not {wanted}"
    return len(expected) + 2


def main():
    service = Service(sys.argv[1])
    try:
        count = check(service)
    finally:
        service.process.terminate()
    print(f"  pyotp: {count} codes and answers agree")


main()

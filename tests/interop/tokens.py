#!/usr/bin/env python3
"""Access tokens that we sign and publish keys for, read by PyJWT, and tokens of PyJWT read by
us. scripts/interop installs the package and runs this."""

import base64
import json
import os
import subprocess
import sys
import time

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

ISSUER = "https://id.example.com"
AUDIENCE = "https://api.example.com"
ASYMMETRIC = ["RS256", "PS256", "ES256", "ES384", "EdDSA"]


class Probe:
    def __init__(self, path, decision):
        self.process = subprocess.Popen(
            [path, decision], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, **record):
        self.process.stdin.write(json.dumps({"id": 1, **record}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer
        return answer


def new_key(algorithm):
    if algorithm in ("RS256", "PS256"):
        return rsa.generate_private_key(65537, 2048)
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "ES384":
        return ec.generate_private_key(ec.SECP384R1())
    return ed25519.Ed25519PrivateKey.generate()


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def check_ours(token, key, algorithm):
    claims = jwt.decode(
        token,
        key,
        algorithms=[algorithm],
        audience=AUDIENCE,
        issuer=ISSUER,
        options={"require": ["exp", "iat", "jti", "sub"]},
    )
    assert claims["sub"] == "user-17" and claims["client_id"] == "app", claims
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    head, body, signature = token.split(".")
    body = base64.urlsafe_b64encode(
        base64.urlsafe_b64decode(body + "==").replace(b"user-17", b"user-18")
    ).decode().rstrip("=")
    try:
        jwt.decode(f"{head}.{body}.{signature}", key, algorithms=[algorithm], audience=AUDIENCE)
    except jwt.InvalidSignatureError:
        return
    raise AssertionError("a changed token was taken")


def ours(issue, algorithm):
    """What we sign is good by what we publish."""
    about = {"iss": ISSUER, "aud": AUDIENCE, "sub": "user-17", "client_id": "app"}
    if algorithm == "HS256":
        secret = os.urandom(32)
        text = base64.urlsafe_b64encode(secret).decode().rstrip("=")
        answer = issue.ask(alg=algorithm, secret=text, **about)
        assert json.loads(answer["jwks"]) == {"keys": []}, "a secret is never published"
        check_ours(answer["token"], secret, algorithm)
        return
    if algorithm in ("RS256", "PS256"):
        about["pems"] = [pem(new_key(algorithm)) for _ in range(3)]
    answer = issue.ask(alg=algorithm, **about)
    published = json.loads(answer["jwks"])
    assert len(published["keys"]) == 2, "the one that signs and the next"
    for key in published["keys"]:
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & key.keys(), "a private member"
    named = jwt.get_unverified_header(answer["token"])["kid"]
    key = jwt.PyJWKSet.from_dict(published)[named]
    check_ours(answer["token"], key, algorithm)


def theirs(verify, algorithm):
    """What PyJWT signs is good for us by the set that it writes."""
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "user-17", "iat": now, "exp": now + 600}
    key = os.urandom(32) if algorithm == "HS256" else new_key(algorithm)
    public = key if algorithm == "HS256" else key.public_key()
    jwk = get_default_algorithms()[algorithm].to_jwk(public, as_dict=True)
    jwk = {**jwk, "kid": "theirs", "alg": algorithm}
    jwk.pop("key_ops", None)
    token = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": "theirs"})
    ask = {"algs": [algorithm], "keys": {"keys": [jwk]}, "iss": [ISSUER], "aud": [AUDIENCE]}
    answer = verify.ask(token=token, now=now, **ask)
    assert answer["outcome"] == "accept" and answer["claims"] == claims, answer
    answer = verify.ask(token=token, now=now + 700, **ask)
    assert answer["outcome"] == "reject", "an expired token was taken"
    answer = verify.ask(token=token[:-4] + "AAAA", now=now, **ask)
    assert answer["outcome"] == "reject", "a changed token was taken"


def main():
    issue, verify = Probe(sys.argv[1], "issue"), Probe(sys.argv[1], "jwt")
    algorithms = [*ASYMMETRIC, "HS256"]
    for algorithm in algorithms:
        ours(issue, algorithm)
        theirs(verify, algorithm)
    print(f"interop: {2 * len(algorithms)} tokens with PyJWT {jwt.__version__}")


main()

#!/usr/bin/env python3
"""Signed messages, made by other implementations and verified by us, and the reverse: RFC 9421 by
http-message-signatures, webhooks by standardwebhooks, AWS Signature Version 4 by botocore.
scripts/interop installs them and runs this."""

import base64
import datetime
import json
import os
import subprocess
import sys
import time

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, algorithms
from http_message_signatures.resolvers import MappingKeyResolver
from standardwebhooks import Webhook

PROBE = sys.argv[1]
NOW = int(time.time())
BODY = '{"amount": 12, "to": "Zoë"}'


def ask(decision, record):
    done = subprocess.run([PROBE, decision], input=json.dumps({"id": 1, **record}) + "\n",
                          capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert "error" not in answer, (decision, answer)
    return answer


def expect(outcome, decision, record, what):
    answer = ask(decision, record)
    assert answer["outcome"] == outcome, (what, answer)


class Message:
    """What both sides sign."""

    def __init__(self, method="POST", url="https://example.com/foo?param=Value&Pet=dog&q=a%20b%7E"):
        self.method, self.url = method, url
        self.headers = {"Host": "example.com", "Content-Type": "application/json",
                        "Date": "Tue, 20 Apr 2021 02:07:55 GMT", "X-Dict": " a=1,   b=2;x=1, c=(a  b)"}

    def record(self):
        return {"kind": "request", "method": self.method, "target_uri": self.url,
                "headers": [[name, value] for name, value in self.headers.items()
                            if not name.lower().startswith("signature")], "body": BODY}


def public(key):
    der = key.public_key().public_bytes(serialization.Encoding.DER,
                                        serialization.PublicFormat.SubjectPublicKeyInfo)
    return {"spki_b64": base64.b64encode(der).decode()}


def private(key):
    der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                            serialization.NoEncryption())
    return {"pkcs8_b64": base64.b64encode(der).decode()}


def message_signatures():
    secret = os.urandom(32)
    shared = {"secret_b64": base64.b64encode(secret).decode()}
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    kinds = [("hmac-sha256", algorithms.HMAC_SHA256, secret, True),
             ("ed25519", algorithms.ED25519, ed25519.Ed25519PrivateKey.generate(), True),
             ("ecdsa-p256-sha256", algorithms.ECDSA_P256_SHA256, ec.generate_private_key(ec.SECP256R1()), False),
             ("ecdsa-p384-sha384", algorithms.ECDSA_P384_SHA384, ec.generate_private_key(ec.SECP384R1()), False),
             ("rsa-pss-sha512", algorithms.RSA_PSS_SHA512, rsa_key, False),
             ("rsa-v1_5-sha256", algorithms.RSA_V1_5_SHA256, rsa_key, True)]
    covered = [
        ("@method", "@target-uri"),
        ("@method", "@authority", "@scheme", "@path", "@query", "@request-target"),
        ("date", "content-type", '"@query-param";name="Pet"', '"@query-param";name="q"'),
        ('"content-type";bs', '"x-dict";key="b"', '"x-dict";key="c"'),
    ]
    cases = 0
    for name, algorithm, key, is_deterministic in kinds:
        is_shared = isinstance(key, bytes)
        resolver = MappingKeyResolver(public_keys={"k": key if is_shared else key.public_key()},
                                      private_keys={"k": key})
        entry = {"alg": name, **(shared if is_shared else public(key))}
        for components in covered:
            message = Message()
            HTTPMessageSigner(signature_algorithm=algorithm, key_resolver=resolver).sign(
                message, key_id="k", label="sig", include_alg=False,
                created=datetime.datetime.fromtimestamp(NOW, datetime.timezone.utc),
                covered_component_ids=components)
            record = {"message": message.record(), "keys": {"k": entry}, "label": "sig",
                      "signature_input": message.headers["Signature-Input"],
                      "signature": message.headers["Signature"], "verify_at": NOW, "max_age_s": 300}
            expect("valid", "signature", record, (name, components))
            changed = json.loads(json.dumps(record))
            changed["signature_input"] = record["signature_input"].replace(str(NOW), str(NOW - 1))
            expect("invalid", "signature", changed, (name, components))

            ours = Message()
            made = ask("sign", {"message": ours.record(), "alg": name, "keyid": "k", "created": NOW,
                                "components": list(components), "nonce": False,
                                **(shared if is_shared else private(key))})
            if is_deterministic:
                assert made["signature"] == message.headers["Signature"], (name, components)
                assert made["signature_input"] == message.headers["Signature-Input"]
            ours.headers["Signature-Input"] = made["signature_input"]
            ours.headers["Signature"] = made["signature"]
            HTTPMessageVerifier(signature_algorithm=algorithm, key_resolver=resolver).verify(ours)
            cases += 1
    return cases


def webhooks():
    for length in (24, 32, 64):
        secret = "whsec_" + base64.b64encode(os.urandom(length)).decode()
        theirs = Webhook(secret)
        now = datetime.datetime.fromtimestamp(NOW, datetime.timezone.utc)
        headers = {"webhook-id": "msg_1", "webhook-timestamp": str(NOW),
                   "webhook-signature": theirs.sign("msg_1", now, BODY)}
        record = {"scheme": "standard-webhooks", "secret": secret, "body": BODY, "now": NOW}
        expect("valid", "webhook", {**record, "headers": headers}, "standardwebhooks")
        expect("invalid", "webhook", {**record, "headers": headers, "body": "{}"}, "changed")
        ours = ask("sign-webhook", {**record, "message_id": "msg_1"})["headers"]
        assert ours == headers, (ours, headers)
        theirs.verify(BODY, ours)
    return 3


def sigv4():
    cases = 0
    credentials = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    for method, url, body in [
        ("GET", "https://example.com/", ""),
        ("GET", "https://example.com/a/b%20c/~x?b=2&a=1&a=%20", ""),
        ("POST", "https://example.com/orders?dry=1", BODY),
        ("PUT", "https://example.com:8443/x?y", BODY),
    ]:
        request = AWSRequest(method=method, url=url, data=body.encode(),
                             headers={"Content-Type": "application/json", "X-Amz-Target": " a   b "})
        SigV4Auth(credentials, "service", "eu-west-1").add_auth(request)
        headers = [[name, value.decode() if isinstance(value, bytes) else value]
                   for name, value in request.headers.items()]
        headers.append(["Host", url.split("/")[2]])
        record = {"method": method, "url": url, "headers": headers, "body": body, "now": NOW,
                  "access_key": "AKIDEXAMPLE", "secret": credentials.secret_key,
                  "region": "eu-west-1", "service": "service"}
        expect("valid", "sigv4", record, url)
        expect("invalid", "sigv4", {**record, "body": body + " "}, url)
        expect("invalid", "sigv4", {**record, "region": "eu-west-2"}, url)
        cases += 1
    return cases


print(f"interop of signatures: {message_signatures()} messages with http-message-signatures, "
      f"{webhooks()} webhooks with standardwebhooks, {sigv4()} requests with botocore")

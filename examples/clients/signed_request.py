#!/usr/bin/env python3
"""Signs a request as the module `signing::api` describes it, and prints or sends it.

usage: signed_request.py KEY_ID METHOD URL [BODY]      with SIGNING_SECRET in the environment
       ... --print                                     prints the headers as JSON, sends nothing
"""
import hashlib, hmac, json, os, secrets, sys, time, urllib.parse, urllib.request


def sign(key_id, secret, method, target, body, timestamp=None, nonce=None):
    """The four headers. `target` is the path with the query, exactly as it is sent."""
    timestamp = timestamp or str(int(time.time()))
    nonce = nonce or secrets.token_urlsafe(16)
    parts = ["PORTCULLIS-HMAC-SHA256", key_id, timestamp, nonce, method, target,
             hashlib.sha256(body).hexdigest()]
    form = b"".join(b"%d:%s\n" % (len(part), part) for part in (p.encode() for p in parts))
    signature = hmac.new(secret, form, hashlib.sha256).hexdigest()
    return {"X-API-Key": key_id, "X-Timestamp": timestamp, "X-Nonce": nonce, "X-Signature": signature}


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--print"]
    key_id, method, url, body = (arguments + [""])[:4]
    address = urllib.parse.urlsplit(url)
    target = (address.path or "/") + ("?" + address.query if address.query else "")
    headers = sign(key_id, os.environ["SIGNING_SECRET"].encode(), method, target, body.encode())
    if "--print" in sys.argv:
        print(json.dumps(headers))
    else:
        request = urllib.request.Request(url, body.encode() or None, headers, method=method)
        with urllib.request.urlopen(request) as response:
            print(response.status, response.read().decode())

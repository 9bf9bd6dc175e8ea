#!/usr/bin/env node
// Signs a request as the module `signing::api` describes it, and prints or sends it.
//
// usage: signed_request.mjs KEY_ID METHOD URL [BODY]     with SIGNING_SECRET in the environment
//        ... --print                                     prints the headers as JSON, sends nothing
import { createHash, createHmac, randomBytes } from "node:crypto";
import { pathToFileURL } from "node:url";

// The four headers. `target` is the path with the query, exactly as it is sent.
export function sign(keyId, secret, method, target, body, timestamp, nonce) {
  timestamp ??= String(Math.floor(Date.now() / 1000));
  nonce ??= randomBytes(16).toString("base64url");
  const digest = createHash("sha256").update(body).digest("hex");
  const parts = ["PORTCULLIS-HMAC-SHA256", keyId, timestamp, nonce, method, target, digest];
  const form = parts.map((part) => `${Buffer.byteLength(part)}:${part}\n`).join("");
  const signature = createHmac("sha256", secret).update(form).digest("hex");
  return { "X-API-Key": keyId, "X-Timestamp": timestamp, "X-Nonce": nonce, "X-Signature": signature };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [keyId, method, url, body = ""] = process.argv.slice(2).filter((it) => it !== "--print");
  const { pathname, search } = new URL(url);
  const headers = sign(keyId, process.env.SIGNING_SECRET, method, pathname + search, body);
  if (process.argv.includes("--print")) {
    console.log(JSON.stringify(headers));
  } else {
    const response = await fetch(url, { method, headers, body: body || undefined });
    console.log(response.status, await response.text());
  }
}

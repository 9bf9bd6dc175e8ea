#!/usr/bin/env node
// RFC 9421: messages signed by the npm package http-message-signatures and verified by us, and
// the reverse. scripts/interop installs the package and runs this.
import { spawnSync } from "node:child_process";
import { constants, createSign, generateKeyPairSync, randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import assert from "node:assert/strict";

const [probe, packages] = process.argv.slice(2);
const { createSigner, createVerifier, httpbis } = createRequire(`${packages}/`)("http-message-signatures");
const now = Math.floor(Date.now() / 1000);

function ask(decision, record) {
  const input = JSON.stringify({ id: 1, ...record }) + "\n";
  const answer = JSON.parse(spawnSync(probe, [decision], { input, encoding: "utf8" }).stdout);
  assert.equal(answer.error, undefined);
  return answer;
}

const message = () => ({
  method: "POST",
  url: "https://example.com/foo?param=Value&Pet=dog",
  headers: { Host: "example.com", Date: "Tue, 20 Apr 2021 02:07:55 GMT", "Content-Type": "application/json", "X-Dict": "a=1,   b=2;x=1" },
});

const secret = randomBytes(32);
const ed25519 = generateKeyPairSync("ed25519");
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const spki = ({ publicKey }) => ({ spki_b64: publicKey.export({ type: "spki", format: "der" }).toString("base64") });
const pkcs8 = ({ privateKey }) => ({ pkcs8_b64: privateKey.export({ type: "pkcs8", format: "der" }).toString("base64") });
const shared = { secret_b64: secret.toString("base64") };
const kinds = [
  ["hmac-sha256", secret, secret, shared, shared, true],
  ["ed25519", ed25519.privateKey, ed25519.publicKey, spki(ed25519), pkcs8(ed25519), true],
  ["ecdsa-p256-sha256", p256.privateKey, p256.publicKey, spki(p256), pkcs8(p256), false],
  ["ecdsa-p384-sha384", p384.privateKey, p384.publicKey, spki(p384), pkcs8(p384), false],
  ["rsa-pss-sha512", rsa.privateKey, rsa.publicKey, spki(rsa), pkcs8(rsa), false],
  ["rsa-v1_5-sha256", rsa.privateKey, rsa.publicKey, spki(rsa), pkcs8(rsa), true],
];
const covered = [
  ["@method", "@target-uri", "content-type"],
  ["@method", "@authority", "@scheme", "@path", "@query"],
  ["date", '"@query-param";name="Pet"', '"x-dict";key="b"', '"content-type";bs'],
];
// The package takes as much salt as fits; RFC 9421 section 3.3.1 has 64 bytes, and no others.
const withSalt = (saltLength) => ({
  id: "k",
  alg: "rsa-pss-sha512",
  sign: async (data) => createSign("sha512").update(data)
    .sign({ key: rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }),
});

let cases = 0;
for (const [alg, signingKey, verifyingKey, publicPart, privatePart, deterministic] of kinds) {
  for (const fields of covered) {
    const key = alg === "rsa-pss-sha512" ? withSalt(64) : createSigner(signingKey, alg, "k");
    const config = { key, name: "sig", fields, params: ["created", "keyid"], paramValues: { created: new Date(now * 1000) } };
    const theirs = await httpbis.signMessage(config, message());
    const plain = { kind: "request", method: "POST", target_uri: message().url, headers: Object.entries(message().headers) };
    const record = { message: plain, keys: { k: { alg, ...publicPart } }, label: "sig", verify_at: now, max_age_s: 300, signature_input: theirs.headers["Signature-Input"], signature: theirs.headers.Signature };
    assert.equal(ask("signature", record).outcome, "valid", `${alg} ${fields}`);
    const changed = { ...record, signature_input: record.signature_input.replace(String(now), String(now - 1)) };
    assert.equal(ask("signature", changed).outcome, "invalid", `${alg} ${fields}`);

    const made = ask("sign", { message: plain, alg, keyid: "k", created: now, components: fields, nonce: false, ...privatePart });
    if (deterministic) assert.equal(made.signature, record.signature, `${alg} ${fields}`);
    const ours = message();
    ours.headers["Signature-Input"] = made.signature_input;
    ours.headers.Signature = made.signature;
    const keyLookup = async () => ({ id: "k", algs: [alg], verify: createVerifier(verifyingKey, alg) });
    assert.equal(await httpbis.verifyMessage({ keyLookup }, ours), true, `${alg} ${fields}`);
    cases += 1;
  }
}
console.log(`interop of signatures: ${cases} messages with the npm package http-message-signatures`);

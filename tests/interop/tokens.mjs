// Access tokens that we sign and publish keys for, read by `jose`, and tokens of `jose` read by
// us. scripts/interop installs the package and runs this.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";
import { pathToFileURL } from "node:url";

const [, , program, modules] = process.argv;
const require = createRequire(path.join(path.resolve(modules), "package.json"));
const jose = await import(pathToFileURL(require.resolve("jose")));

const ISSUER = "https://id.example.com";
const AUDIENCE = "https://api.example.com";
const ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA", "HS256"];

class Probe {
  constructor(decision) {
    this.process = spawn(program, [decision], { stdio: ["pipe", "pipe", "inherit"] });
    this.lines = readline.createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  async ask(record) {
    this.process.stdin.write(JSON.stringify({ id: 1, ...record }) + "\n");
    const answer = JSON.parse((await this.lines.next()).value);
    assert(!("error" in answer), JSON.stringify(answer));
    return answer;
  }

  end() {
    this.process.stdin.end();
  }
}

// Publishes a set as a service of ours does, and counts who asks.
async function publish(set) {
  let asked = 0;
  const server = http.createServer((_, response) => {
    asked += 1;
    response.setHeader("content-type", "application/jwk-set+json");
    response.end(set);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = new URL(`http://127.0.0.1:${server.address().port}/.well-known/jwks.json`);
  return { url, close: () => server.close(), asked: () => asked };
}

async function ours(issue, algorithm) {
  const record = { alg: algorithm, iss: ISSUER, aud: AUDIENCE, sub: "user-17", client_id: "app" };
  const secret = randomBytes(32);
  if (algorithm === "HS256") record.secret = secret.toString("base64url");
  if (/^[RP]S/.test(algorithm)) {
    record.pems = [];
    for (let made = 0; made < 3; made += 1) {
      const { privateKey } = await jose.generateKeyPair(algorithm, { extractable: true });
      record.pems.push(await jose.exportPKCS8(privateKey));
    }
  }
  const { token, jwks } = await issue.ask(record);
  const published = await publish(jwks);
  const key = algorithm === "HS256" ? secret : jose.createRemoteJWKSet(published.url);
  const options = { issuer: ISSUER, audience: AUDIENCE, typ: "at+jwt", algorithms: [algorithm] };
  const { payload } = await jose.jwtVerify(token, key, options);
  assert.equal(payload.sub, "user-17");
  assert.equal(payload.client_id, "app");
  const forged = token.slice(0, -4) + (token.endsWith("AAAA") ? "BBBB" : "AAAA");
  await assert.rejects(jose.jwtVerify(forged, key, options), { code: /SIGNATURE/ });
  if (algorithm === "HS256") assert.deepEqual(JSON.parse(jwks), { keys: [] });
  else assert.equal(published.asked(), 1);
  published.close();
}

async function theirs(verify, algorithm) {
  const now = Math.floor(Date.now() / 1000);
  const isSecret = algorithm === "HS256";
  const pair = isSecret ? null : await jose.generateKeyPair(algorithm, { extractable: true });
  const secret = randomBytes(32);
  const jwk = isSecret
    ? { kty: "oct", k: secret.toString("base64url") }
    : await jose.exportJWK(pair.publicKey);
  Object.assign(jwk, { kid: "theirs", alg: algorithm });
  const token = await new jose.SignJWT({ scope: "a b" })
    .setProtectedHeader({ alg: algorithm, kid: "theirs", typ: "at+jwt" })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject("user-17")
    .setIssuedAt(now)
    .setExpirationTime(now + 600)
    .sign(isSecret ? secret : pair.privateKey);
  const record = { algs: [algorithm], keys: { keys: [jwk] }, iss: [ISSUER], aud: [AUDIENCE] };
  const taken = await verify.ask({ ...record, token, now, typ: "at+jwt" });
  assert.equal(taken.outcome, "accept", JSON.stringify(taken));
  assert.equal(taken.claims.sub, "user-17");
  const late = await verify.ask({ ...record, token, now: now + 700 });
  assert.equal(late.outcome, "reject");
  const other = await verify.ask({ ...record, token, now, aud: ["https://other.example"] });
  assert.equal(other.outcome, "reject");
}

const [issue, verify] = [new Probe("issue"), new Probe("jwt")];
for (const algorithm of ALGORITHMS) {
  await ours(issue, algorithm);
  await theirs(verify, algorithm);
}
issue.end();
verify.end();
console.log(`interop: ${2 * ALGORITHMS.length} tokens with jose`);

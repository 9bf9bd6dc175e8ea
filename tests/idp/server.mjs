// An OpenID provider on the loopback, for the tests of the relying party and of the resource
// server: the npm package `oidc-provider`, with one client and one user.
// Never expose it: its control surface asks nobody who they are.
import http from 'node:http';
import { randomBytes } from 'node:crypto';
import Provider from 'oidc-provider';
import { SignJWT, UnsecuredJWT, exportJWK, generateKeyPair, importJWK, decodeJwt, decodeProtectedHeader } from 'jose';

const env = (k, d) => process.env[k] ?? d;
const num = (k, d) => {
  const n = Number(env(k, d));
  if (!Number.isInteger(n) || n < 0) throw new Error(`${k} must be a whole number`);
  return n;
};
const HOST = '127.0.0.1';
const PORT = num('IDP_PORT', 9410);
const CLIENT_ID = env('IDP_CLIENT_ID', 'portcullis-web');
const CLIENT_SECRET = env('IDP_CLIENT_SECRET', 'test-only-secret-of-at-least-32-bytes!');
// or client_secret_post, none; or private_key_jwt with the public key set in IDP_CLIENT_JWKS
const CLIENT_AUTH = env('IDP_CLIENT_AUTH', 'client_secret_basic');
const CLIENT_JWKS = env('IDP_CLIENT_JWKS', '');
const HAS_SECRET = CLIENT_AUTH.startsWith('client_secret');
const REQUIRE_PAR = env('IDP_REQUIRE_PAR', '0') === '1';
const REDIRECTS = env('IDP_REDIRECT_URIS', 'http://127.0.0.1:9420/callback').split(',');
const POST_LOGOUT = env('IDP_POST_LOGOUT_URIS', 'http://127.0.0.1:9420/loggedout').split(',');
const BACKCHANNEL = env('IDP_BACKCHANNEL_URI', '');
const AUDIENCE = env('IDP_API_AUDIENCE', 'urn:portcullis:api');
const USER = env('IDP_USER', 'alice');
const PASSWORD = env('IDP_PASSWORD', 'correct horse battery staple');
const ALG = env('IDP_ALG', 'RS256'); // RS256, PS256, ES256, EdDSA
const TTL_AT = num('IDP_TTL_ACCESS', 300);
const TTL_ID = num('IDP_TTL_ID', 300);
const TTL_CODE = num('IDP_TTL_CODE', 60);
const MAX_S = num('IDP_MAX_SECONDS', 1800); // the process ends itself
const MAX_REQ = num('IDP_MAX_REQUESTS', 200000);

// ---- bounded store shared by all provider instances, so that a key rotation keeps sessions and tokens
const MAX_ROWS = 20000;
const rows = new Map();
const put = (k, v, ttl) => {
  if (rows.size >= MAX_ROWS) rows.delete(rows.keys().next().value);
  rows.set(k, { v, until: ttl ? Date.now() + ttl * 1000 : Infinity });
};
const get = (k) => {
  const r = rows.get(k);
  if (!r) return undefined;
  if (r.until < Date.now()) { rows.delete(k); return undefined; }
  return r.v;
};
class Store {
  constructor(model) { this.model = model; }
  k(id) { return `${this.model}/${id}`; }
  async upsert(id, payload, ttl) {
    put(this.k(id), payload, ttl);
    if (payload.uid) put(`uid/${payload.uid}`, id, ttl);
    if (payload.grantId) {
      const g = `grant/${payload.grantId}`;
      const set = get(g) ?? new Set();
      set.add(this.k(id));
      put(g, set);
    }
  }
  async find(id) { return get(this.k(id)); }
  async findByUid(uid) { const id = get(`uid/${uid}`); return id && this.find(id); }
  async findByUserCode() { return undefined; }
  async consume(id) { const p = get(this.k(id)); if (p) p.consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { rows.delete(this.k(id)); }
  async revokeByGrantId(grantId) {
    for (const k of get(`grant/${grantId}`) ?? []) rows.delete(k);
    rows.delete(`grant/${grantId}`);
  }
}

// ---- keys
let serial = 0;
async function newKey() {
  const { privateKey } = await generateKeyPair(ALG, { extractable: true, modulusLength: 2048 });
  serial += 1;
  return { ...(await exportJWK(privateKey)), kid: `k${serial}-${randomBytes(4).toString('hex')}`, alg: ALG, use: 'sig' };
}
let keys = [await newKey()]; // first one signs
const cookieKeys = [randomBytes(32).toString('base64url')];

// ---- the provider; built anew after each rotation
let tamper = null; // { times, header, claims, remove, alg, raw }
async function spoil(idToken) {
  if (!tamper || tamper.times <= 0) return idToken;
  tamper.times -= 1;
  if (tamper.raw !== undefined) return tamper.raw;
  const header = { ...decodeProtectedHeader(idToken), ...(tamper.header ?? {}) };
  const claims = { ...decodeJwt(idToken), ...(tamper.claims ?? {}) };
  for (const name of tamper.remove ?? []) delete claims[name];
  if (tamper.alg === 'none') return new UnsecuredJWT(claims).encode();
  if (tamper.alg === 'HS256-public') { // public key text used as an HMAC secret
    const { d, p, q, dp, dq, qi, ...pub } = keys[0];
    return new SignJWT(claims).setProtectedHeader({ ...header, alg: 'HS256' }).sign(Buffer.from(JSON.stringify(pub)));
  }
  const signer = tamper.alg === 'stranger' ? await newKey() : keys[0];
  if (tamper.alg === 'stranger' && !tamper.header?.kid) header.kid = keys[0].kid;
  return new SignJWT(claims).setProtectedHeader(header).sign(await importJWK(signer, ALG));
}

function build() {
  const provider = new Provider(`http://${HOST}:${PORT}`, {
    adapter: Store,
    jwks: { keys },
    cookies: { keys: cookieKeys },
    clients: [{
      client_id: CLIENT_ID,
      ...(HAS_SECRET ? { client_secret: CLIENT_SECRET } : {}),
      ...(CLIENT_JWKS ? { jwks: JSON.parse(CLIENT_JWKS), token_endpoint_auth_signing_alg: 'ES256' } : {}),
      token_endpoint_auth_method: CLIENT_AUTH,
      grant_types: CLIENT_AUTH === 'none'
        ? ['authorization_code', 'refresh_token']
        : ['authorization_code', 'refresh_token', 'client_credentials'],
      response_types: ['code'],
      redirect_uris: REDIRECTS,
      post_logout_redirect_uris: POST_LOGOUT,
      id_token_signed_response_alg: ALG,
      ...(BACKCHANNEL ? { backchannel_logout_uri: BACKCHANNEL, backchannel_logout_session_required: true } : {}),
    }],
    scopes: ['openid', 'offline_access', 'profile', 'email'],
    claims: { openid: ['sub', 'acr', 'amr', 'auth_time'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    rotateRefreshToken: true,
    acrValues: ['urn:portcullis:aal1', 'urn:portcullis:aal2'],
    findAccount: async (_ctx, sub) => (sub !== USER ? undefined : {
      accountId: sub,
      claims: async () => ({
        sub, name: 'Alice Example', preferred_username: sub, email: `${sub}@example.test`, email_verified: true,
      }),
    }),
    loadExistingGrant: async (ctx) => {
      const { client, session } = ctx.oidc;
      const known = ctx.oidc.result?.consent?.grantId ?? session.grantIdFor(client.clientId);
      const grant = (known && await provider.Grant.find(known))
        || new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid offline_access profile email');
      grant.addResourceScope(AUDIENCE, 'api:read api:write');
      await grant.save();
      return grant;
    },
    interactions: { url: (_ctx, i) => `/interaction/${i.uid}` },
    ttl: {
      AccessToken: TTL_AT, IdToken: TTL_ID, AuthorizationCode: TTL_CODE, ClientCredentials: TTL_AT,
      RefreshToken: 3600, Session: 3600, Grant: 3600, Interaction: 600,
    },
    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: true },
      revocation: { enabled: true },
      userinfo: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      backchannelLogout: { enabled: true },
      clientCredentials: { enabled: true },
      pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: REQUIRE_PAR },
      dPoP: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, resource) => {
          if (resource !== AUDIENCE) throw new Error('unknown resource');
          return {
            scope: 'api:read api:write', audience: AUDIENCE, accessTokenTTL: TTL_AT,
            accessTokenFormat: 'jwt', jwt: { sign: { alg: ALG } },
          };
        },
      },
    },
    // outgoing calls (back-channel logout): loopback only
    fetch: (url, options) => {
      const { hostname } = new URL(url);
      if (hostname !== HOST && hostname !== 'localhost') throw new Error('loopback only');
      const { dispatcher, ...rest } = options;
      return fetch(url, rest);
    },
    renderError: (ctx, out) => { ctx.type = 'json'; ctx.body = JSON.stringify(out); },
  });
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.oidc?.route === 'token' && ctx.body?.id_token) {
      ctx.body = { ...ctx.body, id_token: await spoil(ctx.body.id_token) };
    }
  });
  for (const ev of ['server_error', 'backchannel.error']) {
    provider.on(ev, (_ctx, err) => console.error(ev, err?.message ?? err));
  }
  return { provider, handle: provider.callback() };
}
let current = build();

// ---- pages (own): GET shows a form, POST checks the one user; a consent page follows only when prompt=consent is asked
const page = (uid, note = '') => `<!doctype html><title>Sign in</title><form method="post" action="/interaction/${uid}">
<p>${note}</p><input name="login"><input name="password" type="password"><button>Sign in</button></form>`;
const consentPage = (uid) => `<!doctype html><title>Allow</title><form method="post" action="/interaction/${uid}">
<input type="hidden" name="consent" value="yes"><button>Allow</button></form>`;
async function body(req, limit = 65536) {
  const parts = [];
  let n = 0;
  for await (const c of req) { n += c.length; if (n > limit) throw new Error('too large'); parts.push(c); }
  return Buffer.concat(parts).toString('utf8');
}
async function login(req, res, uid) {
  const html = (code, text) => { res.writeHead(code, { 'content-type': 'text/html; charset=utf-8' }); res.end(text); };
  const details = await current.provider.interactionDetails(req, res);
  if (details.uid !== uid) return html(400, 'wrong interaction');
  if (req.method !== 'POST') return html(200, details.prompt.name === 'consent' ? consentPage(uid) : page(uid));
  const form = new URLSearchParams(await body(req));
  if (form.get('abort')) {
    return current.provider.interactionFinished(req, res, { error: 'access_denied', error_description: 'user said no' });
  }
  if (details.prompt.name === 'consent') {
    if (form.get('consent') !== 'yes') return html(400, page(uid, 'Consent needed'));
    return current.provider.interactionFinished(req, res, { consent: {} }, { mergeWithLastSubmission: true });
  }
  if (form.get('login') !== USER || form.get('password') !== PASSWORD) return html(401, page(uid, 'Wrong name or password'));
  const wanted = String(details.params.acr_values ?? '').split(' ').includes('urn:portcullis:aal2');
  return current.provider.interactionFinished(req, res, {
    login: {
      accountId: USER,
      acr: wanted ? 'urn:portcullis:aal2' : 'urn:portcullis:aal1',
      amr: wanted ? ['pwd', 'otp'] : ['pwd'],
    },
  }, { mergeWithLastSubmission: false });
}

// ---- control surface for tests
const counts = {};
let fault = null; // { path, status, delay_ms, times, body, type, location }
async function control(req, res, path) {
  const reply = (code, value) => { res.writeHead(code, { 'content-type': 'application/json' }); res.end(JSON.stringify(value)); };
  const input = req.method === 'POST' ? JSON.parse((await body(req, 1 << 20)) || '{}') : {};
  if (path === '/__control/stats') return reply(200, { counts, kids: keys.map((k) => k.kid), rows: rows.size });
  if (req.method !== 'POST') return reply(405, {});
  switch (path) {
    case '/__control/rotate': // new signing key; `keep` older ones stay published (default 1)
      keys = [await newKey(), ...keys].slice(0, 1 + Math.min(Number(input.keep ?? 1), 8));
      current = build();
      return reply(200, { kids: keys.map((k) => k.kid) });
    case '/__control/fault': fault = { times: 1, ...input, delay_ms: Math.min(Number(input.delay_ms ?? 0), 20000) }; return reply(200, fault);
    case '/__control/tamper': tamper = { times: 1, ...input }; return reply(200, tamper);
    case '/__control/reset': fault = null; tamper = null; for (const k of Object.keys(counts)) delete counts[k]; return reply(200, {});
    case '/__control/stop': reply(200, {}); return setTimeout(() => process.exit(0), 50);
    default: return reply(404, {});
  }
}

let served = 0;
const server = http.createServer({ maxHeaderSize: 32768, requestTimeout: 30000 }, async (req, res) => {
  const path = new URL(req.url, 'http://x').pathname;
  try {
    if (++served > MAX_REQ) { res.writeHead(503); res.end(); return; }
    if (path.startsWith('/__control/')) { await control(req, res, path); return; }
    counts[path.startsWith('/interaction/') ? '/interaction' : path] = (counts[path] ?? 0) + 1;
    if (fault && fault.times > 0 && path === fault.path) {
      fault.times -= 1;
      if (fault.delay_ms) await new Promise((r) => { setTimeout(r, fault.delay_ms); });
      if (fault.status) {
        res.writeHead(fault.status, {
          'content-type': fault.type ?? 'application/json',
          ...(fault.location ? { location: fault.location } : {}),
        });
        res.end(fault.body === undefined ? '{}' : (typeof fault.body === 'string' ? fault.body : JSON.stringify(fault.body)));
        return;
      }
    }
    const m = /^\/interaction\/([\w-]{1,64})$/.exec(path);
    if (m) { await login(req, res, m[1]); return; }
    await current.handle(req, res);
  } catch (e) {
    console.error(path, e.message);
    if (!res.headersSent) { res.writeHead(400, { 'content-type': 'application/json' }); res.end(JSON.stringify({ error: e.message })); }
  }
});
server.maxConnections = 256;
server.listen(PORT, HOST, () => console.log(JSON.stringify({ ready: true, issuer: `http://${HOST}:${PORT}`, client_id: CLIENT_ID, kids: keys.map((k) => k.kid) })));
setTimeout(() => process.exit(0), MAX_S * 1000).unref();
process.on('SIGUSR2', async () => { keys = [await newKey(), ...keys].slice(0, 2); current = build(); console.log(JSON.stringify({ rotated: keys.map((k) => k.kid) })); });
for (const s of ['SIGINT', 'SIGTERM']) process.on(s, () => process.exit(0));

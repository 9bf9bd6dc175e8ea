// grade-headers.mjs TOOLS URL[=SCORE]...: grades the answer of each URL as if it had come over
// TLS, from a host that redirects plain HTTP. Fails when a score is under its goal, when the
// CSP Evaluator finds anything above INFO, or when a nonce comes twice.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [tools, ...goals] = process.argv.slice(2);
const observatory = `${tools}/node_modules/@mdn/mdn-http-observatory/src`;
const from = (path) => import(pathToFileURL(path).href);
const { ALL_TESTS } = await from(`${observatory}/constants.js`);
const { MINIMUM_SCORE_FOR_EXTRA_CREDIT } = await from(`${observatory}/grader/charts.js`);
const { getGradeForScore, getScoreModifier } = await from(`${observatory}/grader/grader.js`);
const { Session } = await from(`${observatory}/retriever/session.js`);
const { parseHttpEquivHeaders } = await from(`${observatory}/retriever/utils.js`);
const { Requests } = await from(`${observatory}/types.js`);

const require = createRequire(pathToFileURL(`${tools}/`).href);
const { AxiosHeaders } = require("axios");
const { CspEvaluator, DEFAULT_CHECKS, STRICTCSP_CHECKS } = require("csp_evaluator");
const { CspParser } = require("csp_evaluator/dist/parser.js");
const { Severity } = require("csp_evaluator/dist/finding.js");

const HOST = "graded.example";

async function fetched(url) {
  const response = await fetch(url, { redirect: "manual" });
  const headers = new AxiosHeaders(Object.fromEntries(response.headers));
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) headers["set-cookie"] = cookies;
  return { status: response.status, headers, cookies, text: await response.text() };
}

async function asRequests(url) {
  const { status, headers, cookies, text } = await fetched(url);
  const page = new URL(new URL(url).pathname, `https://${HOST}`);
  const requests = new Requests(HOST);
  requests.session = new Session(page);
  for (const cookie of cookies) requests.session.jar.setCookieSync(cookie, page.href);
  const answer = { status, headers, data: text, verified: true };
  requests.resources.path = text;
  requests.responses.auto = { ...answer, httpEquiv: parseHttpEquivHeaders(text, page.href) };
  requests.responses.https = answer;
  requests.responses.http = answer;
  requests.responses.httpRedirects = [
    { url: new URL(page.href.replace("https:", "http:")), status: 301 },
    { url: page, status },
  ];

  const origin = "https://other.example";
  const preflight = await fetch(url, {
    method: "OPTIONS",
    headers: { origin, "access-control-request-method": "GET" },
  });
  requests.responses.cors = {
    ...answer,
    headers: Object.fromEntries(preflight.headers),
    request: { headers: { origin } },
    config: { headers: { origin } },
  };
  return requests;
}

function observe(requests) {
  const results = ALL_TESTS.map((test) => test(requests).result);
  const modifiers = results.map(getScoreModifier);
  const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
  const penalized = 100 + sum(modifiers.filter((modifier) => modifier < 0));
  const counts = penalized >= MINIMUM_SCORE_FOR_EXTRA_CREDIT;
  const score = counts ? 100 + sum(modifiers) : penalized;
  return { ...getGradeForScore(score), results, modifiers };
}

function evaluate(headers) {
  const policy = headers["content-security-policy"];
  if (!policy) return [{ severity: Severity.HIGH, directive: "-", description: "no policy" }];
  const evaluator = new CspEvaluator(new CspParser(policy).csp);
  return evaluator.evaluate(STRICTCSP_CHECKS, DEFAULT_CHECKS);
}

function noncesOf(headers) {
  const policy = headers["content-security-policy"] ?? "";
  return [...policy.matchAll(/'nonce-([^']*)'/g)].map((match) => match[1]);
}

let failures = 0;
function fail(text) {
  failures += 1;
  console.log(`  FAILED: ${text}`);
}

for (const goal of goals) {
  const [, url, wanted] = goal.match(/^(.*?)(?:=(\d+))?$/);
  const requests = await asRequests(url);
  const { headers } = requests.responses.auto;
  const { score, grade, results, modifiers } = observe(requests);
  const findings = evaluate(headers).filter((finding) => finding.severity < Severity.NONE);
  const worst = Math.min(Severity.NONE, ...findings.map((finding) => finding.severity));

  console.log(`${url}: Observatory ${score} ${grade}, CSP Evaluator ${Severity[worst]}`);
  results.forEach((result, i) => console.log(`  ${String(modifiers[i]).padStart(4)}  ${result}`));
  for (const { severity, directive, description } of findings) {
    console.log(`  ${Severity[severity]} ${directive}: ${description}`);
  }
  const [first, second] = [noncesOf(headers), noncesOf((await fetched(url)).headers)];
  if (first.length > 0) {
    const bits = Buffer.from(first[0], "base64").length * 8;
    console.log(`  nonce of ${bits} bits, ${first.includes(second[0]) ? "STATIC" : "fresh"}`);
    if (bits < 128 || first.includes(second[0])) fail("the nonce can be guessed");
  }
  if (wanted && score < Number(wanted)) fail(`the goal is ${wanted}`);
  if (worst < Severity.INFO) fail("the policy is weak");
}
process.exit(failures > 0 ? 1 : 0);

// The person in front of the page: see scripts/try-page.
import { createRequire } from "node:module";
import { strict as assert } from "node:assert";

const [tools, url] = process.argv.slice(2);
const load = createRequire(`${tools}/`);
const puppeteer = load("puppeteer-core");
const jsqr = load("jsqr");
const { PNG } = load("pngjs");
const OTPAuth = load("otpauth");

const ANN = { name: "Ann", email: "ann@example.com", password: "nine purple lanterns drift" };
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});

/** A browser of its own, whose console must stay silent. */
async function person() {
  const page = await (await browser.createBrowserContext()).newPage();
  const complaints = [];
  // A 401 for who is not logged in yet, and for a code that was used, is told on the console.
  const isExpected = (text) => text.includes("status of 401");
  page.on("console", (it) => it.type() === "error" && !isExpected(it.text()) && complaints.push(it.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(url);
  await page.waitForSelector("#nobody:not([hidden])");
  return { page, complaints };
}

async function fill(page, form, fields) {
  for (const [name, value] of Object.entries(fields)) {
    await page.type(`#${form} [name=${name}]`, value);
  }
  await page.click(`#${form} button`);
}

const text = (page, selector) => page.$eval(selector, (it) => it.textContent);
const visible = (page, id) => page.waitForSelector(`#${id}:not([hidden])`, { timeout: 10_000 });
const contains = (page, selector, part) =>
  page.waitForFunction((s, p) => document.querySelector(s).textContent.includes(p), { timeout: 10_000 }, selector, part);

function tell(what) {
  console.log(`  ${what}`);
}

const first = await person();
await fill(first.page, "register", ANN);
await visible(first.page, "member");
assert.equal(await text(first.page, "#email"), ANN.email);
tell("registers, and is logged in");

await first.page.click("#enrol");
await visible(first.page, "confirm");
await first.page.waitForFunction(() => document.querySelector("#qr").naturalWidth > 0);
const picture = PNG.sync.read(Buffer.from(await (await first.page.$("#qr")).screenshot()));
const scanned = jsqr(new Uint8ClampedArray(picture.data), picture.width, picture.height);
assert.ok(scanned, "the QR code cannot be read");
const app = OTPAuth.URI.parse(scanned.data);
assert.equal(app.label, ANN.email);
tell("scans the QR code");

const code = (steps) => app.generate({ timestamp: Date.now() + steps * 30_000 });
// Kept, for half a minute may end at any time.
const used = code(0);
await fill(first.page, "confirm", { code: used });
await contains(first.page, "#codes", "Keep these");
const recovery = (await text(first.page, "#codes")).split("\n")[1];
tell("confirms the app, and gets recovery codes");

const second = await person();
const { name, ...credentials } = ANN;
await fill(second.page, "login", credentials);
await visible(second.page, "second");
await fill(second.page, "second", { code: used });
await contains(second.page, "#answer", "Authentication");
await fill(second.page, "second", { code: code(1) });
await visible(second.page, "member");
tell("logs in with the app elsewhere, and not by a code that was used");

const third = await person();
await fill(third.page, "login", credentials);
await visible(third.page, "second");
await fill(third.page, "second", { code: recovery });
await visible(third.page, "member");
tell("logs in with a recovery code");

const sessions = (page, count) =>
  page.waitForFunction((n) => document.querySelectorAll("#sessions li").length === n, { timeout: 10_000 }, count);
await sessions(third.page, 3);
await third.page.click("#sessions li button");
await sessions(third.page, 2);
tell("sees three sessions, and ends one");

await third.page.click("#logout");
await visible(third.page, "nobody");
await third.page.reload();
await visible(third.page, "nobody");
tell("logs out");

for (const { complaints } of [first, second, third]) assert.deepEqual(complaints, []);
await browser.close();
console.log("the page works");

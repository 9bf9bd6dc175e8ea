"use strict";
const part = (id) => document.getElementById(id);
const token = document.querySelector("meta[name=csrf-token]").content;
/// Of a login that has passed the first factor.
let mfaToken = null;

/// Asks the service. The session is in a cookie that no script can read.
async function ask(method, path, body) {
  const headers = { "x-csrf-token": token };
  if (body) headers["content-type"] = "application/json";
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  const content = text ? JSON.parse(text) : {};
  if (answer.ok) return content;
  const wrong = (content.errors ?? []).map((error) => `${error.pointer.slice(1)} ${error.message}`);
  throw new Error([content.title, ...wrong].join("; "));
}

/// Does this when the form is sent, and says what is wrong when it fails.
function onSubmit(id, action) {
  part(id).addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(event.target));
    event.target.reset();
    attempt(() => action(fields));
  });
}

async function attempt(action) {
  part("answer").textContent = "";
  try {
    await action();
  } catch (error) {
    part("answer").textContent = error.message;
  }
}

function show(id) {
  for (const each of ["nobody", "second", "member"]) part(each).hidden = each !== id;
}

async function showMember() {
  const me = await fetch("/me");
  if (!me.ok) return show("nobody");
  const { email, roles, issuer, subject } = await me.json();
  part("email").textContent = email ?? `${subject} of ${issuer}`;
  part("logout").hidden = Boolean(issuer);
  part("provider-logout").hidden = !issuer;
  part("roles").textContent = roles.join(", ") || "no roles";
  await showSessions();
  show("member");
}

async function showSessions() {
  const sessions = await ask("GET", "/sessions");
  part("sessions").replaceChildren(...sessions.map((session) => {
    const item = document.createElement("li");
    const where = session.current ? "this one" : session.user_agent ?? "unknown";
    item.append(`${where}, since ${session.created} `);
    if (!session.current) {
      const end = document.createElement("button");
      end.textContent = "End";
      end.addEventListener("click", () => attempt(async () => {
        await ask("DELETE", `/sessions/${session.id}`);
        await showSessions();
      }));
      item.append(end);
    }
    return item;
  }));
}

async function logIn(credentials) {
  const answer = await ask("POST", "/page/login", credentials);
  if (!answer.mfa_required) return showMember();
  mfaToken = answer.mfa_token;
  show("second");
}

onSubmit("login", logIn);

onSubmit("register", async ({ name, email, password }) => {
  await ask("POST", "/register", { name, email, password });
  await logIn({ email, password });
});

onSubmit("second", async ({ code }) => {
  const way = /^[\d\s]+$/.test(code) ? "totp" : "recovery";
  await ask("POST", `/login/${way}`, { mfa_token: mfaToken, code });
  mfaToken = null;
  await showMember();
});

part("enrol").addEventListener("click", () => attempt(async () => {
  const { qr_svg } = await ask("POST", "/totp/enrol");
  part("qr").src = `data:image/svg+xml,${encodeURIComponent(qr_svg)}`;
  part("confirm").hidden = false;
}));

onSubmit("confirm", async ({ code }) => {
  const { recovery_codes } = await ask("POST", "/totp/confirm", { code });
  part("confirm").hidden = true;
  part("qr").removeAttribute("src");
  part("codes").textContent = `Keep these for when the app is lost:\n${recovery_codes.join("\n")}`;
});

part("logout").addEventListener("click", () => attempt(async () => {
  await ask("POST", "/logout");
  part("codes").textContent = "";
  show("nobody");
}));

attempt(showMember);

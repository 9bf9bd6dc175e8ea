"use strict";
const answer = document.getElementById("answer");
const token = document.querySelector("meta[name=csrf-token]").content;

document.getElementById("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const login = await fetch("/page/login", {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrf-token": token },
    body: JSON.stringify({ email: form.get("email"), password: form.get("password") }),
  });
  const body = await login.json();
  if (!login.ok) {
    answer.textContent = body.title;
    return;
  }
  const me = await fetch("/me", { headers: { authorization: `Bearer ${body.access_token}` } });
  const { email, roles } = await me.json();
  answer.textContent = `You are ${email} (${roles.join(", ") || "no roles"}).`;
});

// People and their accounts.

import { randomBytes } from "node:crypto";

/** Somebody whom no other test knows. */
export function somebody(name = "Grace Hopper") {
  const email = `${name.split(" ")[0].toLowerCase()}-${randomBytes(6).toString("hex")}@example.com`;
  return { name, email, password: "nanoseconds of wire" };
}

/** Makes an account as a browser would, without one. */
export async function account(server, person = somebody()) {
  const form = await fetch(`${server.origin}/signup`);
  const cookie = form.headers.getSetCookie().map((text) => text.split(";")[0]).join("; ");
  const [, csrf] = (await form.text()).match(/name="csrf" value="([^"]+)"/);
  const body = new URLSearchParams({ csrf, ...person });
  const answer = await fetch(`${server.origin}/signup`, { method: "POST", headers: { cookie }, body, redirect: "manual" });
  if (answer.status !== 303) throw new Error(`no account was made: ${answer.status}`);
  return person;
}

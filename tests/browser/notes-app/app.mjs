// An application without a server of its own: a page that signs in (RFC 6749 with PKCE, RFC 7636) and keeps notes in
// the table API. `/?issuer=…&client_id=…&scope=…` says where, as whom and for what; the browser session remembers it.

const place = (id) => document.getElementById(id);
const say = (state) => (place("state").textContent = state);
const memory = sessionStorage;
const home = `${location.origin}/`;

const random = () => encoded(crypto.getRandomValues(new Uint8Array(32)));
const encoded = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

async function challenge(verifier) {
  return encoded(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

async function endpoints() {
  return (await fetch(`${memory.issuer}/.well-known/openid-configuration`)).json();
}

async function leave() {
  memory.verifier = random();
  memory.state = random();
  const request = new URLSearchParams({
    response_type: "code",
    client_id: memory.client_id,
    redirect_uri: home,
    scope: memory.scope,
    state: memory.state,
    code_challenge: await challenge(memory.verifier),
    code_challenge_method: "S256",
  });
  location.assign(`${(await endpoints()).authorization_endpoint}?${request}`);
}

/** Exchanges the code of an answer that belongs to us (RFC 9207 for `iss`) and forgets what it was asked with. */
async function arrive(answer) {
  const { state, verifier } = memory;
  memory.removeItem("state");
  memory.removeItem("verifier");
  if (!state || answer.get("state") !== state || answer.get("iss") !== memory.issuer) throw new Error("not our answer");
  const body = new URLSearchParams({
    grant_type: "authorization_code",
    code: answer.get("code"),
    redirect_uri: home,
    client_id: memory.client_id,
    code_verifier: verifier,
  });
  const response = await fetch((await endpoints()).token_endpoint, { method: "POST", body });
  const tokens = await response.json();
  if (!response.ok) throw new Error(tokens.error);
  return tokens.access_token;
}

let token;

/** Asks the table API, and shows a refusal as this script can read it. */
async function ask(method, path, data) {
  const headers = { authorization: `Bearer ${token}` };
  if (data) headers["content-type"] = "application/json";
  const response = await fetch(`${memory.issuer}/api/collections/notes${path}`, { method, headers, body: data && JSON.stringify(data) });
  if (response.ok) return response.status === 204 ? null : response.json();
  const seen = { status: response.status, challenge: response.headers.get("www-authenticate"), ...(await response.json()) };
  place("refusal").textContent = JSON.stringify(seen);
  throw new Error(`refused with ${response.status}`);
}

/** Does what a button stands for, and then shows what there is. */
async function act(work) {
  say("working");
  try {
    await work();
    await show();
    say("signed in");
  } catch (error) {
    say(String(error.message));
  }
}

async function show() {
  const { items } = await ask("GET", "?sort=id");
  place("notes").replaceChildren(...items.map(item));
}

function item(note) {
  const line = document.createElement("li");
  const title = document.createElement("span");
  title.textContent = note.title;
  line.classList.toggle("done", Boolean(note.done));
  const button = (name, work) => {
    const made = document.createElement("button");
    made.textContent = name;
    made.addEventListener("click", () => act(work));
    return made;
  };
  line.append(
    title,
    button("Done", () => ask("PATCH", `/${note.id}`, { done: true })),
    button("Shout", () => ask("PUT", `/${note.id}`, { title: note.title.toUpperCase() })),
    button("Remove", () => ask("DELETE", `/${note.id}`)),
  );
  return line;
}

async function start() {
  const words = new URLSearchParams(location.search);
  if (words.has("client_id")) for (const [name, value] of words) memory[name] = value;
  place("sign-in").addEventListener("click", leave);
  place("add").addEventListener("submit", (event) => {
    event.preventDefault();
    act(() => ask("POST", "", { title: place("add").elements.title.value }));
  });
  place("sign-in").disabled = false;
  say("signed out");
  if (!words.has("state")) return;
  history.replaceState(null, "", home);
  await act(async () => (token = await arrive(words)));
}

start();

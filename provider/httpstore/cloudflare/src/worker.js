// A Worker that keeps the sessions of Holdfast in Durable Objects, and speaks the protocol
// of docs/httpstore.md. docs/cloudflare.md says how to deploy it.

import * as protocol from "./protocol.js";
import { SHARDS, shard, shardOf } from "./shards.js";

export { Shard } from "./shard.js";

const MIN_TOKEN = 16;

export default {
  async fetch(request, env) {
    try {
      await authorize(request, env);
      return await route(request, env);
    } catch (e) {
      if (e instanceof protocol.Failure) return e.answer();
      // The message of an error of the runtime may quote the request.
      console.error("holdfast: a request has failed:", e?.name, e?.retryable ? "retryable" : "", e?.overloaded ? "overloaded" : "");
      return new protocol.Failure("failed", e?.overloaded ? "a Durable Object has too many requests" : "a Durable Object has failed", "").answer();
    }
  },
};

// authorize wants the request to have one of the tokens of the secret HOLDFAST_TOKEN,
// which has several, with blanks between them, while one replaces another. The hashes
// have the same length, so that a comparison takes the same time for each token.
async function authorize(request, env) {
  const accepted = (env.HOLDFAST_TOKEN ?? "").split(/\s+/).filter((token) => token !== "");
  if (accepted.length === 0 || accepted.some((token) => token.length < MIN_TOKEN)) {
    throw new protocol.Failure("failed", `the secret HOLDFAST_TOKEN is missing, or a token in it has less than ${MIN_TOKEN} characters; set it with: npx wrangler secret put HOLDFAST_TOKEN`);
  }
  const [, given] = /^bearer +(\S+)$/i.exec(request.headers.get("Authorization") ?? "") ?? [];
  const got = await hash(given ?? "");
  let found = false;
  for (const token of accepted) found = crypto.subtle.timingSafeEqual(got, await hash(token)) || found;
  if (!found || !given) throw new protocol.Failure("unauthorized", "", protocol.REFUSED, { "WWW-Authenticate": "Bearer" });
}

function hash(token) {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
}

// route passes a request to the shard of its record. What comes before /v1/records in
// the path is the name of a store, which may be empty.
async function route(request, env) {
  const url = new URL(request.url);
  const [, store, segment] = /^(.*?)\/v1\/records(?:\/([^/]*))?$/.exec(url.pathname) ?? [];
  if (store === undefined) {
    throw new protocol.Failure("no-such-path", `this server has version ${protocol.VERSION} of the protocol, at ${protocol.RECORDS}`);
  }
  const deadline = deadlineOf(request);
  if (segment === undefined) return await list(request, url.searchParams, env, store);
  allow(request, ["GET", "HEAD", "PUT", "DELETE"]);
  checkConditions(request);
  const id = protocol.parseID(segment);
  const headers = new Headers(request.headers);
  headers.delete("Authorization");
  if (deadline !== null) headers.set("Shard-Deadline", String(deadline));
  const target = new Request(`https://shard/${segment}`, { method: request.method, headers, body: request.body });
  return await shard(env, store, await shardOf(id)).fetch(target);
}

function allow(request, methods) {
  if (!methods.includes(request.method)) {
    throw new protocol.Failure("method-not-allowed", "", protocol.REFUSED, { Allow: methods.join(", ") });
  }
}

function checkConditions(request) {
  if (request.method === "DELETE" && (request.headers.has("If-Match") || request.headers.has("If-None-Match"))) {
    throw new protocol.Failure("bad-request", "DELETE takes no precondition");
  }
}

// deadlineOf returns when the client no longer waits, in milliseconds since the Unix
// epoch; null: it does not say.
function deadlineOf(request) {
  const text = request.headers.get("Holdfast-Timeout");
  if (text === null) return null;
  if (!/^[1-9][0-9]{0,14}$/.test(text)) throw new protocol.Failure("bad-request", "Holdfast-Timeout is not a positive number of milliseconds");
  return Date.now() + Number(text);
}

// list answers with a page of one shard. Its cursor is the number of the shard, and the
// last ID of the page before it, so that nothing has to be remembered.
async function list(request, query, env, store) {
  allow(request, ["GET"]);
  const prefix = query.get("prefix") ?? "";
  protocol.parsePrefix(prefix);
  const [, number = "0", after = ""] = /^([0-9]+)\.([A-Za-z0-9_-]*)$/.exec(query.get("cursor") ?? "0.") ?? [null, ""];
  if (number === "" || Number(number) >= SHARDS) throw new protocol.Failure("cursor-gone", "begin the listing again, without a cursor");
  const answer = await shard(env, store, Number(number)).fetch(`https://shard/?${new URLSearchParams({ prefix, after })}`);
  const { records, last } = await answer.json();
  let next = last === null ? `${Number(number) + 1}.` : `${number}.${last}`;
  if (last === null && Number(number) + 1 === SHARDS) next = undefined;
  return protocol.answer(JSON.stringify({ records, next }), 200, { "Content-Type": "application/json" });
}

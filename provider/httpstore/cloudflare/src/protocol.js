// The protocol of docs/httpstore.md: the texts in paths and headers, and the answers.

export const VERSION = "1";
export const RECORDS = `/v${VERSION}/records`;

export const REFUSED = "refused";

// MAX_DATA keeps a row below the 2 MB that the SQLite of a Durable Object allows.
export const MAX_DATA = 2_000_000 - 4096;

const MAX_MILLIS = 253402300799999; // the end of the year 9999
const MAX_TEXT = 255; // bytes of an ID and of a format

const KINDS = {
  "not-found": [404, "There is no such record."],
  conflict: [412, "The stored record has another version."],
  "invalid-record": [400, "The record is invalid."],
  "too-large": [413, "The record is too large."],
  full: [507, "The store is full."],
  timeout: [504, "The time that the client gave is over."],
  failed: [500, "The store has failed."],
  "bad-request": [400, "The request is not one of this protocol."],
  unauthorized: [401, "The token is missing or wrong."],
  "no-such-path": [404, "There is nothing at this path."],
  "method-not-allowed": [405, "The path does not support this method."],
  "cursor-gone": [410, "The listing of this cursor is no longer there."],
};

// A Failure is an error as it is answered.
export class Failure extends Error {
  constructor(kind, detail, outcome = REFUSED, headers = {}) {
    super(detail);
    Object.assign(this, { kind, detail, outcome, headers });
  }

  answer() {
    const [status, title] = KINDS[this.kind];
    const headers = { ...this.headers, "Content-Type": "application/problem+json", "Holdfast-Error": this.kind };
    if (this.outcome) headers["Holdfast-Outcome"] = this.outcome;
    const problem = {
      type: `urn:holdfast:problem:${this.kind}`,
      title,
      status,
      detail: this.detail || undefined,
      kind: this.kind,
      outcome: this.outcome || undefined,
    };
    return answer(JSON.stringify(problem), status, headers);
  }
}

export function answer(body, status, headers = {}) {
  return new Response(body, {
    status,
    headers: {
      ...headers,
      "Holdfast-Protocol": VERSION,
      "Cache-Control": "no-store, no-transform",
      "X-Content-Type-Options": "nosniff",
    },
  });
}

// done answers a change. All answers have a body: net/http of Go gives a connection to the
// next request before it hands over an answer without one, and may close it at that
// moment.
export function done(headers = {}) {
  return answer("{}\n", 200, { ...headers, "Content-Type": "application/json" });
}

function emptyBody() {
  return new ReadableStream({ start: (controller) => controller.close() });
}

// recordAnswer answers with a stored row.
export function recordAnswer(row, status, headers = {}) {
  const all = { ...headers, ETag: `"${row.version}"`, "Content-Type": "application/octet-stream" };
  if (row.expires !== 0) all["Holdfast-Expires"] = String(row.expires);
  if (row.format !== "") all["Holdfast-Format"] = encodeURIComponent(row.format);
  return answer(row.data.byteLength > 0 ? row.data : emptyBody(), status, all);
}

export function notFound() {
  return new Failure("not-found", "", "");
}

export function conflict(row) {
  if (row) return recordAnswer(row, 412, { "Holdfast-Error": "conflict", "Holdfast-Current": "record" });
  return new Failure("conflict", "", "", { "Holdfast-Current": "none" }).answer();
}

// parsePut returns what the headers of a PUT say.
export function parsePut(headers) {
  const version = integer(headers.get("Holdfast-Version"));
  if (version === null) {
    throw new Failure("bad-request", "Holdfast-Version is missing or not a decimal number of 64 bits");
  }
  const expect = expectation(headers.get("If-Match"), headers.get("If-None-Match"));
  if (expect >= 0n && version <= 0n) throw new Failure("invalid-record", "the version is not positive");
  return { version, expect, expires: expiry(headers.get("Holdfast-Expires")), format: format(headers.get("Holdfast-Format")) };
}

// expectation returns the version that the stored record must have: 0n for no record,
// -1n for any.
function expectation(match, none) {
  if (match !== null && none !== null) throw new Failure("bad-request", "there are several preconditions");
  if (none === "*") return 0n;
  if (none !== null) throw new Failure("bad-request", "If-None-Match is not *");
  if (match === null) return -1n;
  const tag = /^"(.*)"$/.exec(match);
  const version = tag && integer(tag[1]);
  if (!version || version < 1n) {
    throw new Failure("bad-request", 'If-Match is not one strong entity tag with a positive number, as in "7"');
  }
  return version;
}

// integer returns a number of 64 bits as a BigInt, since a Number is exact only to 2^53;
// null: the text is not one.
function integer(text) {
  if (text === null || !/^(0|-?[1-9][0-9]{0,18})$/.test(text)) return null;
  const n = BigInt(text);
  return n === BigInt.asIntN(64, n) ? n : null;
}

function expiry(text) {
  if (text === null) return 0;
  const ms = integer(text);
  if (ms === null || ms < 1n || ms > MAX_MILLIS) {
    throw new Failure("bad-request", `Holdfast-Expires is not a number of milliseconds from 1 to ${MAX_MILLIS}`);
  }
  return Number(ms);
}

function format(text) {
  let decoded;
  try {
    decoded = decodeURIComponent(text ?? "");
  } catch {
    if (/%(?![0-9A-Fa-f]{2})/.test(text)) throw new Failure("bad-request", "Holdfast-Format is not percent-encoded");
    throw new Failure("invalid-record", "the format is not valid UTF-8");
  }
  checkText("format", decoded);
  return decoded;
}

function checkText(what, text) {
  if (new TextEncoder().encode(text).length > MAX_TEXT) throw new Failure("invalid-record", `the ${what} is over ${MAX_TEXT} bytes long`);
  if (text.includes("\0")) throw new Failure("invalid-record", `the ${what} contains a NUL`);
}

// parseID returns the bytes of an ID from the path.
export function parseID(segment) {
  const bytes = decodeBase64url(segment);
  if (!bytes) throw new Failure("bad-request", "the ID in the path is not in base64url without padding");
  if (bytes.length === 0) throw new Failure("invalid-record", "the ID is empty");
  checkText("ID", decodeUTF8("ID", bytes));
  return bytes;
}

// parsePrefix returns the bytes of the prefix of a listing.
export function parsePrefix(text) {
  const bytes = decodeBase64url(text ?? "");
  if (!bytes) throw new Failure("bad-request", "the prefix is not in base64url without padding");
  checkText("prefix", decodeUTF8("prefix", bytes));
  return bytes;
}

// decodeUTF8 keeps a byte order mark, which is a part of an ID like any other.
export function decodeUTF8(what, bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Failure("invalid-record", `the ${what} is not valid UTF-8`);
  }
}

// decodeBase64url accepts only what encodeBase64url returns; else it returns null.
export function decodeBase64url(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return null;
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    return encodeBase64url(bytes) === text ? bytes : null;
  } catch {
    return null;
  }
}

export function encodeBase64url(bytes) {
  return encodeBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function encodeBase64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return btoa(text);
}

import { DurableObject } from "cloudflare:workers";
import * as protocol from "./protocol.js";

const PAGE_RECORDS = 256;
const PAGE_BYTES = 1 << 20;
const PURGE_ROWS = 500; // a run of the alarm

// IDs are stored as bytes, so that they are compared byte by byte. Versions are stored as
// text: numbers of SQLite become Numbers of JavaScript, which are exact only to 2^53.
// There is no index on the expiry, as it would be written with each save: a row that the
// alarm reads costs a thousandth of a row that is written.
const SCHEMA = `CREATE TABLE IF NOT EXISTS records (
  id BLOB PRIMARY KEY,
  version TEXT NOT NULL,
  expires INTEGER NOT NULL,
  format TEXT NOT NULL,
  data BLOB NOT NULL
) WITHOUT ROWID`;

// A Shard holds a part of the records. It serves one request at a time between two
// awaits, so what is done without one is atomic. The runtime holds back an answer until
// the changes before it are stored.
export class Shard extends DurableObject {
  constructor(state, env) {
    super(state, env);
    this.sql = state.storage.sql;
    this.purgeInterval = Number(env.PURGE_SECONDS ?? 3600) * 1000;
    this.sql.exec(SCHEMA);
  }

  async fetch(request) {
    const deadline = Number(request.headers.get("Shard-Deadline") ?? Infinity);
    const url = new URL(request.url);
    try {
      if (url.pathname === "/") return this.page(url.searchParams);
      return await this.serve(request, protocol.parseID(url.pathname.slice(1)), deadline);
    } catch (e) {
      if (e instanceof protocol.Failure) return e.answer();
      throw e;
    }
  }

  async serve(request, id, deadline) {
    if (request.method === "PUT") {
      const save = protocol.parsePut(request.headers);
      const data = await readData(request);
      await this.willPurge(save.expires);
      inTime(deadline);
      return this.save(id, save, data);
    }
    inTime(deadline);
    if (request.method === "DELETE") {
      this.sql.exec("DELETE FROM records WHERE id = ?", id);
      return protocol.done();
    }
    const row = this.find(id);
    if (!row) throw protocol.notFound();
    return protocol.recordAnswer(row, 200);
  }

  // find returns the row of a record that has not expired.
  find(id) {
    const rows = this.sql.exec("SELECT version, expires, format, data FROM records WHERE id = ? AND (expires = 0 OR expires > ?)", id, Date.now());
    return rows.toArray()[0];
  }

  // save has no await, so that nothing happens between its steps.
  save(id, { version, expect, expires, format }, data) {
    const stored = this.find(id);
    const allowed = expect < 0n || (stored ? expect > 0n && stored.version === String(expect) : expect === 0n);
    if (!allowed && stored?.version !== String(version)) return protocol.conflict(stored);
    if (allowed) this.put(id, version, expires, format, data); // else an earlier attempt has stored the record
    return protocol.done({ ETag: `"${version}"` });
  }

  put(id, version, expires, format, data) {
    try {
      this.sql.exec(
        "INSERT OR REPLACE INTO records (id, version, expires, format, data) VALUES (?, ?, ?, ?, ?)",
        id, String(version), expires, format, data,
      );
    } catch (e) {
      if (String(e?.message).includes("SQLITE_FULL")) throw new protocol.Failure("full", "a Durable Object has no room", protocol.REFUSED);
      throw e;
    }
  }

  // page answers with the records after an ID, in the order of their IDs.
  page(query) {
    const prefix = protocol.parsePrefix(query.get("prefix"));
    const after = protocol.decodeBase64url(query.get("after") ?? "") ?? new Uint8Array();
    // No ID contains the byte 255, which is not UTF-8.
    const end = new Uint8Array([...prefix, 255]);
    const rows = this.sql.exec(
      "SELECT id, version, expires, format, data FROM records WHERE id >= ? AND id < ? AND id > ? AND (expires = 0 OR expires > ?) ORDER BY id LIMIT ?",
      prefix, end, after, Date.now(), PAGE_RECORDS,
    );
    const records = [];
    let last = null;
    let size = 0;
    for (const row of rows) {
      last = new Uint8Array(row.id);
      records.push(pageRecord(row));
      size += row.data.byteLength;
      if (size >= PAGE_BYTES) break;
    }
    const full = records.length === PAGE_RECORDS || size >= PAGE_BYTES;
    return Response.json({ records, last: full ? protocol.encodeBase64url(last) : null });
  }

  // willPurge sets the alarm that removes what has expired, unless it is set.
  async willPurge(expires) {
    if (expires === 0 || this.alarmSet) return;
    if ((await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(Date.now() + this.purgeInterval);
    this.alarmSet = true;
  }

  async alarm() {
    this.alarmSet = false;
    const removed = this.sql.exec(
      "DELETE FROM records WHERE id IN (SELECT id FROM records WHERE expires > 0 AND expires <= ? LIMIT ?) RETURNING 1",
      Date.now(), PURGE_ROWS,
    ).toArray().length;
    const left = this.sql.exec("SELECT 1 FROM records WHERE expires > 0 LIMIT 1").toArray().length;
    if (left === 0) return; // the next save with an expiry sets it
    await this.ctx.storage.setAlarm(Date.now() + (removed === PURGE_ROWS ? 1000 : this.purgeInterval));
    this.alarmSet = true;
  }
}

// inTime refuses a request whose client no longer waits.
function inTime(deadline) {
  if (Date.now() > deadline) throw new protocol.Failure("timeout", "nothing was done");
}

async function readData(request) {
  const tooLarge = () => new protocol.Failure("too-large", `the server takes ${protocol.MAX_DATA} bytes`, "");
  if (Number(request.headers.get("Content-Length") ?? 0) > protocol.MAX_DATA) throw tooLarge();
  const data = new Uint8Array(await request.arrayBuffer());
  if (data.length > protocol.MAX_DATA) throw tooLarge();
  return data;
}

function pageRecord(row) {
  return {
    id: protocol.decodeUTF8("ID", new Uint8Array(row.id)),
    version: row.version,
    expires: row.expires || undefined,
    format: row.format || undefined,
    data: protocol.encodeBase64(new Uint8Array(row.data)),
  };
}

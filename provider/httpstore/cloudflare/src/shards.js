// How the records of a store are spread over Durable Objects.

export const SHARDS = 16;

// shardOf returns the number of a record's shard, which no request may change.
export async function shardOf(id) {
  const digest = new DataView(await crypto.subtle.digest("SHA-256", id));
  return digest.getUint32(0) % SHARDS;
}

// shard has the number of shards in its name, so that another number finds an empty store
// and not half of the records.
export function shard(env, store, number) {
  return env.SHARD.get(env.SHARD.idFromName(JSON.stringify([store, SHARDS, number])));
}

// Sends what waits: when a page opens, when the network comes back, on a button. The server's answer decides.

import * as store from "./store.js";

const AT_ONCE = 20;
// A record whose position is still being measured waits this long, then goes without.
const MEASURING_MS = 30_000;

export class SignedOut extends Error {}

// Who is signed in now, and the key to send with; SignedOut when nobody of ours is.
export async function session(address) {
  const response = await fetch(address, { redirect: "manual", cache: "no-store", headers: { Accept: "application/json" } });
  if (response.status >= 500) {
    throw new Error(`answer ${response.status}`); // the server is away, not the person
  }
  if (!response.ok) {
    throw new SignedOut();
  }
  return response.json();
}

function ready(record) {
  return record.state === "waiting" || (record.state === "measuring" && Date.now() - record.made_at > MEASURING_MS);
}

function body(record) {
  const { state, reason, person, made_at, ...event } = record;
  return { ...event, sent_time: new Date().toISOString() };
}

async function sendPart(address, csrf, records) {
  const response = await fetch(address, {
    method: "POST",
    redirect: "manual",
    headers: { "Content-Type": "application/json", "X-CSRFToken": csrf },
    body: JSON.stringify(records.map(body)),
  });
  if (response.status === 401 || response.status === 403 || response.type === "opaqueredirect") {
    throw new SignedOut();
  }
  if (!response.ok) {
    throw new Error(`answer ${response.status}`);
  }
  const answers = await response.json();
  for (const [place, answer] of answers.entries()) {
    const record = records[place];
    if (answer.event_id !== record.event_id) {
      continue;
    }
    if (answer.status === "created" || answer.status === "duplicate") {
      await store.acknowledge(record);
    } else {
      await store.change(record.event_id, { state: "rejected", reason: answer.reason });
    }
  }
}

async function sendAll({ sessionAddress, sendAddress }, again) {
  const waiting = (await store.all()).filter((record) => ready(record) || (again && record.state === "rejected"));
  if (!waiting.length) {
    return;
  }
  const { person, csrf } = await session(sessionAddress);
  const own = waiting.filter((record) => record.person === person);
  for (let start = 0; start < own.length; start += AT_ONCE) {
    await sendPart(sendAddress, csrf, own.slice(start, start + AT_ONCE));
  }
}

// One page at a time sends; `again` also tries what was refused. Answers "sent", "offline" or "signed-out".
export async function send(addresses, again = false) {
  const work = async () => {
    try {
      await sendAll(addresses, again);
      return "sent";
    } catch (error) {
      return error instanceof SignedOut ? "signed-out" : "offline";
    }
  };
  return navigator.locks ? navigator.locks.request("expert-send", work) : work();
}

// What the phone keeps: check events until the server has acknowledged them, and for a while which ones it has.

const NAME = "expert";
const EVENTS = "events";
const KEPT_MS = 3 * 24 * 60 * 60 * 1000;

let opened;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(EVENTS, { keyPath: "event_id" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

async function inStore(mode, work) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(EVENTS, mode, { durability: "strict" });
    const request = work(transaction.objectStore(EVENTS));
    transaction.oncomplete = () => resolve(request?.result);
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
}

// Resolves when the record is on the disk.
export const keep = (record) => inStore("readwrite", (store) => store.put(record));

export const all = () => inStore("readonly", (store) => store.getAll());

// Changes a record that is still there; one that is gone stays gone.
export async function change(eventId, changes) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(EVENTS, "readwrite", { durability: "strict" });
    const store = transaction.objectStore(EVENTS);
    const request = store.get(eventId);
    request.onsuccess = () => {
      if (request.result) {
        store.put({ ...request.result, ...changes });
      }
    };
    transaction.oncomplete = () => resolve();
    transaction.onerror = () => reject(transaction.error);
  });
}

// Acknowledged records remain as notes, without what was personal, so that a page kept from before knows of them.
export async function acknowledge(record) {
  const { event_id, person, dispatch, kind, device_time } = record;
  await keep({ event_id, person, dispatch, kind, device_time, state: "sent", sent_at: Date.now() });
}

export async function forgetSent(everything) {
  const old = Date.now() - KEPT_MS;
  for (const record of await all()) {
    if (record.state === "sent" && (everything || record.sent_at < old)) {
      await inStore("readwrite", (store) => store.delete(record.event_id));
    }
  }
}

export const isUnsent = (record) => record.state !== "sent";

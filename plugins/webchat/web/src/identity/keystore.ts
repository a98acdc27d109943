// Keeps this browser's device key in IndexedDB, one per gateway endpoint. Where IndexedDB is refused
// (some private modes) the identity lives as long as the page.
import { createKey, deviceFrom, isUsable, type Device, type StoredKey } from "./keys.ts";

const DATABASE = "jackfield-webchat";
const STORE = "device-keys";

/** The device identity for an endpoint, made on first use. */
export async function loadDevice(endpoint: string): Promise<Device> {
  let database: IDBDatabase;
  try {
    database = await openDatabase();
  } catch {
    return deviceFrom(await createKey());
  }
  try {
    const known = (await done(store(database, "readonly").get(endpoint))) as StoredKey | undefined;
    if (known && isUsable(known)) return deviceFrom(known);
    return deviceFrom(await keep(database, endpoint, await createKey(), known !== undefined));
  } finally {
    database.close();
  }
}

/** Forgets the key: the gateway will see this browser as a new device. */
export async function forgetDevice(endpoint: string): Promise<void> {
  try {
    const database = await openDatabase();
    await done(store(database, "readwrite").delete(endpoint));
    database.close();
  } catch {
    // Nothing was kept, so there is nothing to forget.
  }
}

/** Two tabs may create a key at the same time: the first one stored is the one both use. */
async function keep(database: IDBDatabase, endpoint: string, key: StoredKey, replace: boolean): Promise<StoredKey> {
  if (replace) {
    await done(store(database, "readwrite").put(key, endpoint));
    return key;
  }
  try {
    await done(store(database, "readwrite").add(key, endpoint));
    return key;
  } catch {
    const winner = (await done(store(database, "readonly").get(endpoint))) as StoredKey | undefined;
    return winner ?? key;
  }
}

function openDatabase(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return done(request);
}

function store(database: IDBDatabase, mode: IDBTransactionMode): IDBObjectStore {
  return database.transaction(STORE, mode).objectStore(STORE);
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

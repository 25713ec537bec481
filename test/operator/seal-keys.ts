/** The operator's keys for nonces, challenges and sessions, as they are in its Secret: read, and put there. */
import {
  deriveSealKeys,
  KEY_ID_BYTES,
  usableKeys,
  type SessionKey,
  type SessionKeys,
} from "../../packages/operator/src/session/session-keys.ts";
import type { KubectlTarget } from "../control-plane/kubectl.ts";
import { getObject, patchObject } from "./objects.ts";

const SECRET = "rancheros-session-keys";

/** @returns the newest first */
export async function readMasterKeys(target: KubectlTarget, namespace: string): Promise<readonly SessionKey[]> {
  const secret = await getObject(target, "secret", namespace, SECRET);
  if (secret === undefined) throw new Error(`there is no Secret ${SECRET} in ${namespace}`);
  const { data } = secret as unknown as { readonly data: Readonly<Record<string, string>> };
  const keys = Object.entries(data).map(([id, value]): SessionKey => {
    const [base64 = "", madeAt = ""] = Buffer.from(value, "base64").toString().split(" ");
    return { id: Buffer.from(id, "hex"), secret: Buffer.from(base64, "base64"), madeAtMs: Date.parse(madeAt) };
  });
  return keys.toSorted((a, b) => b.madeAtMs - a.madeAtMs);
}

/** Makes a key as old as this, as if the operator had made it then. */
export async function ageMasterKey(
  target: KubectlTarget,
  namespace: string,
  key: SessionKey,
  ageMs: number,
): Promise<void> {
  const madeAt = new Date(Date.now() - ageMs).toISOString();
  const value = Buffer.from(`${key.secret.toString("base64")} ${madeAt}`).toString("base64");
  await patchObject(target, "secret", namespace, SECRET, { data: { [key.id.toString("hex")]: value } });
}

/** An id that no key has: who is shown it looks into the Secret. */
export function unknownKeyId(): Buffer {
  return Buffer.alloc(KEY_ID_BYTES, 0xee);
}

/** What the operator seals with at this moment. */
export async function readSealKeys(target: KubectlTarget, namespace: string): Promise<SessionKeys> {
  const keys = usableKeys(await readMasterKeys(target, namespace), Date.now()).map(deriveSealKeys);
  return {
    sealing() {
      const [newest] = keys;
      if (newest === undefined) throw new Error(`Secret ${SECRET} has no usable key`);
      return newest;
    },
    opening: async (id) => keys.find((one) => one.id.equals(id)),
  };
}

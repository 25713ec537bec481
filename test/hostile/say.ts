/** One visit of somebody dishonest, up to the word with which the operator ends it. */
import { dial, type Opened, type VisitOptions } from "../machine/visit.ts";
import { createSoftwareTpm, type AttestationOptions, type SoftwareTpm } from "../software-tpm/index.ts";
import type { Scene, Told } from "./attack.ts";

export function newTpm(scene: Pick<Scene, "ak">): SoftwareTpm {
  return createSoftwareTpm({ ak: scene.ak });
}

/** Dials, and reads on until the operator has refused. What it sends instead is an error of the test. */
export async function dialAndListen(options: VisitOptions): Promise<Told> {
  const result = await dial(options);
  if (result.kind === "refused") return { via: "http", code: result.status, text: result.body.trim() };
  const message = await result.next();
  if (!Buffer.isBuffer(message)) return { via: "close", code: message.code, text: message.reason };
  result.socket.terminate();
  throw new Error("a challenge was made for it");
}

/** Shows these keys at the open door. */
export async function show(scene: Scene, tpm: SoftwareTpm, options?: AttestationOptions): Promise<Told> {
  return dialAndListen({ url: scene.url, headers: { Authorization: tpm.authorization(options) } });
}

export interface Challenged extends Opened {
  readonly tpm: SoftwareTpm;
  readonly challenge: Buffer;
}

export async function challenged(scene: Pick<Scene, "url" | "ak">, tpm = newTpm(scene)): Promise<Challenged> {
  const opened = await dial({ url: scene.url, tpm });
  if (opened.kind === "refused") throw new Error(`refused: ${opened.body}`);
  const challenge = await opened.next();
  if (!Buffer.isBuffer(challenge)) throw new Error(`closed: ${challenge.reason}`);
  return { ...opened, tpm, challenge };
}

/** What the operator says last; a configuration in place of it is an error of the test. */
export async function ending(session: Opened): Promise<Told> {
  const next = await session.next();
  if (Buffer.isBuffer(next)) throw new Error("it was given a configuration");
  return { via: "close", code: next.code, text: next.reason };
}

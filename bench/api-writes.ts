/** What is written into the API server, as it says itself: requests that it has answered, and what they changed. */
import { createHash } from "node:crypto";
import type { ApiClient } from "../test/control-plane/api-client.ts";
import { request } from "undici";
import { apiAgent, COLLECTION, type ApiAccess } from "./inventories.ts";

const WRITING = new Set(["POST", "PUT", "PATCH", "APPLY", "DELETE"]);

export interface WriteRequest {
  readonly verb: string;
  readonly resource: string;
  readonly code: string;
  readonly count: number;
}

/** Since its start: apiserver_request_total of writing requests to resources of these names. */
export async function writeRequests(access: ApiAccess, resources: readonly string[]): Promise<readonly WriteRequest[]> {
  const agent = apiAgent(access, 1);
  try {
    const answer = await request(`${access.serverUrl}/metrics`, {
      dispatcher: agent,
      headers: { authorization: `Bearer ${access.token}` },
    });
    const text = await answer.body.text();
    return text.split("\n").flatMap((line): readonly WriteRequest[] => {
      const match = /^apiserver_request_total\{(.*)\} (\S+)$/.exec(line);
      const labels = new Map(
        [...(match?.[1] ?? "").matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]),
      );
      const [verb = "", resource = "", code = ""] = [labels.get("verb"), labels.get("resource"), labels.get("code")];
      if (!WRITING.has(verb) || !resources.includes(resource)) return [];
      return [{ verb, resource, code, count: Number(match?.[2]) }];
    });
  } finally {
    await agent.close();
  }
}

/** @returns how many came since, by resource: stored, and refused as conflicts and the like */
export function writesSince(
  before: readonly WriteRequest[],
  after: readonly WriteRequest[],
): ReadonlyMap<string, { stored: number; refused: number }> {
  const since = new Map<string, { stored: number; refused: number }>();
  const add = ({ resource, code, count }: WriteRequest, sign: 1 | -1): void => {
    const sum = since.get(resource) ?? { stored: 0, refused: 0 };
    since.set(resource, sum);
    sum[code.startsWith("2") ? "stored" : "refused"] += sign * count;
  };
  for (const one of after) add(one, 1);
  for (const one of before) add(one, -1);
  return since;
}

/** What a stored version of a MachineInventory changed: the first of these that holds. */
export const REASONS = ["upgrade", "attestation", "node", "seen", "other"] as const;
export type Reason = (typeof REASONS)[number];
export type ReasonCounts = Readonly<Record<Reason, number>>;

interface Parts {
  readonly upgrade: string;
  readonly attestation: string;
  readonly node: string;
  readonly lastSeen: string;
}

/** Counts the versions of MachineInventories by what they changed. */
export class InventoryWrites {
  readonly #counts: Record<Reason, number> = { upgrade: 0, attestation: 0, node: 0, seen: 0, other: 0 };
  readonly #known = new Map<string, Parts>();
  readonly #over = new AbortController();
  #following: Promise<void> = Promise.resolve();

  /** @returns when the next version counts */
  static async follow(client: ApiClient, namespace: string): Promise<InventoryWrites> {
    const writes = new InventoryWrites();
    const path = `${COLLECTION}/${namespace}/machineinventories`;
    const list = (await client.get(path)) as { metadata: { resourceVersion: string }; items: unknown[] };
    for (const item of list.items) writes.#known.set(...partsOf(item));
    let version = list.metadata.resourceVersion;
    const follow = async (): Promise<void> => {
      // The API server ends each watch after half an hour or so.
      while (!writes.#over.signal.aborted) {
        for await (const { type, object } of client.watch(`${path}?resourceVersion=${version}`, writes.#over.signal)) {
          if (type === "ERROR") throw new Error(`the watch of inventories broke: ${JSON.stringify(object)}`);
          version = writes.#take(object);
        }
      }
    };
    writes.#following = follow().catch((error: unknown) => {
      if (!writes.#over.signal.aborted) throw error;
    });
    // Told by stop(); who ends without it has another trouble to tell of.
    writes.#following.catch(() => undefined);
    return writes;
  }

  counts(): ReasonCounts {
    return { ...this.#counts };
  }

  async stop(): Promise<void> {
    this.#over.abort();
    await this.#following;
  }

  /** @returns its resource version */
  #take(object: unknown): string {
    const [uid, now] = partsOf(object);
    const old = this.#known.get(uid);
    this.#known.set(uid, now);
    const { resourceVersion } = (object as { metadata: { resourceVersion: string } }).metadata;
    if (old === undefined) return resourceVersion;
    const reason = (["upgrade", "attestation", "node"] as const).find((part) => old[part] !== now[part]);
    this.#counts[reason ?? (old.lastSeen === now.lastSeen ? "other" : "seen")] += 1;
    return resourceVersion;
  }
}

function partsOf(object: unknown): [uid: string, parts: Parts] {
  const { metadata, status = {} } = object as {
    metadata: { uid: string };
    status?: { upgrade?: object; attestation?: object; node?: object; lastSeen?: string };
  };
  const digest = (part: object | undefined): string =>
    createHash("md5")
      .update(JSON.stringify(part ?? null))
      .digest("base64");
  return [
    metadata.uid,
    {
      upgrade: digest(status.upgrade),
      attestation: digest(status.attestation),
      node: digest(status.node),
      lastSeen: status.lastSeen ?? "",
    },
  ];
}

/** MachineInventories at the API server, asked for without the operator: counted, removed, made by the thousand. */
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request, type Dispatcher } from "undici";
import type { ControlPlane } from "../test/control-plane/control-plane.ts";

export const COLLECTION = "/apis/rancheros.cattle.io/v1/namespaces";
const AS_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io";
const PAGE = 500;
const TIMEOUT_MS = 120_000;
const LOOK_AGAIN_MS = 200;

export interface ApiAccess {
  readonly serverUrl: string;
  readonly caPem: string;
  readonly token: string;
}

export function apiAccess(controlPlane: ControlPlane): ApiAccess {
  return { serverUrl: controlPlane.serverUrl, caPem: controlPlane.caPem, token: controlPlane.adminToken };
}

/** @param connections  how many requests may be under way at once */
export function apiAgent(access: ApiAccess, connections: number): Agent {
  return new Agent({ connect: { ca: access.caPem }, connections, pipelining: 1, allowH2: false });
}

export interface InventoryCount {
  readonly objects: number;
  /** Different TPM hashes among them: fewer than objects means that a machine has two. */
  readonly machines: number;
}

/** The inventories of one namespace, as one client would work with them. */
export class Inventories {
  readonly #access: ApiAccess;
  readonly #path: string;
  readonly #agent: Agent;

  constructor(access: ApiAccess, namespace: string) {
    this.#access = access;
    this.#path = `${COLLECTION}/${namespace}/machineinventories`;
    this.#agent = apiAgent(access, 10);
  }

  /** As kubectl's table, which leaves the SMBIOS at the server. */
  async count(registration: string): Promise<InventoryCount> {
    const tpms = new Set<string>();
    let objects = 0;
    let next = "";
    do {
      const page = (await this.#send("GET", `${this.#selected(registration)}&limit=${PAGE}${next}`, AS_TABLE)) as Table;
      const column = page.columnDefinitions.findIndex(({ name }) => name === "TPM");
      for (const { cells } of page.rows) tpms.add(String(cells[column]));
      objects += page.rows.length;
      next = page.metadata.continue ? `&continue=${encodeURIComponent(page.metadata.continue)}` : "";
    } while (next !== "");
    return { objects, machines: tpms.size };
  }

  /** The first one found, as it is stored. */
  async any(registration: string): Promise<StoredInventory> {
    const list = (await this.#send("GET", `${this.#selected(registration)}&limit=1`)) as { items: StoredInventory[] };
    const [first] = list.items;
    if (first === undefined) throw new Error(`there is no inventory of registration ${registration}`);
    return first;
  }

  /** Resolves when they are gone: those with finalizers when somebody has taken these off. */
  async remove(registration: string): Promise<void> {
    await this.#send(
      "DELETE",
      this.#selected(registration),
      "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
    );
    const deadlineMs = performance.now() + TIMEOUT_MS;
    for (;;) {
      const { objects } = await this.count(registration);
      if (objects === 0) return;
      if (performance.now() > deadlineMs) throw new Error(`${objects} inventories of ${registration} do not go`);
      await sleep(LOOK_AGAIN_MS);
    }
  }

  /** One object for each machine, no more and no less; then they go, so that the next run finds what this one found. */
  async expectAndRemove(registration: string, expected: number): Promise<void> {
    const { objects, machines } = await this.count(registration);
    if (objects !== expected || machines !== expected) {
      throw new Error(`${expected} machines came, and there are ${objects} inventories of ${machines} machines`);
    }
    await this.remove(registration);
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }

  #selected(registration: string): string {
    return `${this.#path}?labelSelector=rancheros.cattle.io/machine-registration=${registration}`;
  }

  async #send(method: Dispatcher.HttpMethod, path: string, accept = "application/json"): Promise<unknown> {
    const answer = await request(this.#access.serverUrl + path, {
      method,
      dispatcher: this.#agent,
      headers: { authorization: `Bearer ${this.#access.token}`, accept },
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
    return JSON.parse(text);
  }
}

interface Table {
  readonly metadata: { readonly continue?: string };
  readonly columnDefinitions: readonly { readonly name: string }[];
  readonly rows: readonly { readonly cells: readonly unknown[] }[];
}

export interface StoredInventory {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Record<string, string>;
    readonly finalizers?: readonly string[];
  };
  readonly spec: { readonly tpm: string; readonly smbios: unknown };
}

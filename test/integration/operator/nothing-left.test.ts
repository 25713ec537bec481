/** Objects of all kinds come and go: nothing in the operator's memory is called by their names any more. */
import { randomBytes } from "node:crypto";
import { expect, inject, it } from "vitest";
import { adminClient } from "../../control-plane/admin-client.ts";
import { heldKeys } from "../../operator/held-keys.ts";
import { useOperator } from "../../operator/use-operator.ts";

const target = inject("controlPlane");
const used = useOperator(target, "left", { environment: { NODE_OPTIONS: "--inspect=127.0.0.1:0" } });

const COUNT = 60;
const AT_ONCE = 12;
/** In each name, and in no text that is held once for all who have it, which are bounded. */
const MARK = `goes-${randomBytes(4).toString("hex")}`;

function nameOf(at: number): string {
  return `${MARK}-${at}`;
}

/** In the order in which they are made: what names another one comes after it. */
const KINDS: readonly { readonly plural: string; readonly kind: string; readonly spec: (at: number) => object }[] = [
  {
    plural: "managedosversions",
    kind: "ManagedOSVersion",
    spec: (at) => ({
      version: "v1.0.0",
      type: "container",
      metadata: { upgradeImage: `127.0.0.1:1/os-${at}:v1` },
    }),
  },
  {
    plural: "managedosimages",
    kind: "ManagedOSImage",
    spec: (at) => (at % 2 === 0 ? { osImage: `127.0.0.1:1/os-${at}:v1` } : { managedOSVersionName: nameOf(at) }),
  },
  { plural: "machineregistrations", kind: "MachineRegistration", spec: () => ({}) },
  {
    plural: "managedosversionchannels",
    kind: "ManagedOSVersionChannel",
    spec: () => ({ type: "custom", options: { image: "127.0.0.1:1/list:v1" } }),
  },
  {
    plural: "machineinventories",
    kind: "MachineInventory",
    spec: (at) => ({ tpm: randomBytes(32).toString("hex"), config: { role: at % 3 === 0 ? "server" : "agent" } }),
  },
];

/** Those that hold at least half of the names, but for Events, which are remembered for some minutes: bounded, too. */
async function holders(): Promise<readonly (readonly string[])[]> {
  const all = await heldKeys(used.operator, MARK);
  return all.filter((keys) => keys.length >= COUNT / 2 && !keys.every((key) => /^[A-Z]\w+\//.test(key)));
}

it("when sixty of each kind have gone", async () => {
  const client = await adminClient(target);
  const collection = (plural: string) => `/apis/rancheros.cattle.io/v1/namespaces/${used.namespace}/${plural}`;
  const each = async (work: (at: number) => Promise<void>): Promise<void> => {
    for (let from = 0; from < COUNT; from += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => work(from + at)));
    }
  };
  await each(async (at) => {
    const metadata = { name: nameOf(at), namespace: used.namespace };
    for (const { plural, kind, spec } of KINDS) {
      const object = { apiVersion: "rancheros.cattle.io/v1", kind, metadata, spec: spec(at) };
      await client.create(collection(plural), object);
    }
  });
  // Indexes of machines, images, versions, registrations, and what works on them: the names are there.
  await expect.poll(async () => (await holders()).length).toBeGreaterThan(5);
  const secrets = `/api/v1/namespaces/${used.namespace}/secrets`;
  await expect
    .poll(async () => {
      const list = await client.get(secrets);
      return JSON.stringify(list).match(new RegExp(`"name":"registration-${MARK}-[0-9]+"`, "g"))?.length;
    })
    .toBe(COUNT);
  await each(async (at) => {
    for (const { plural } of KINDS) await client.delete(`${collection(plural)}/${nameOf(at)}`);
    // What the garbage collector of a whole cluster does.
    await client.delete(`${secrets}/registration-${nameOf(at)}`);
  });
  await expect.poll(holders).toEqual([]);
});

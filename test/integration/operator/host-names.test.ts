/** Machines that are called by a template, at two real operators of one cluster, by both protocols. */
import { EMPTY_REPORT } from "@rancheros/protocol/attestation";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { applyObjects } from "../../control-plane/apply-objects.ts";
import { kubectl } from "../../control-plane/kubectl.ts";
import { visitAttested } from "../../machine/attested-visit.ts";
import { visit } from "../../machine/visit.ts";
import { eventually, getObject, type MadeRegistration } from "../../operator/objects.ts";
import type { SoftwareTpm } from "../../software-tpm/index.ts";
import { useTwoReplicas } from "./two-replicas.ts";

const target = inject("controlPlane");
const { used, newTpm, first, second, through, inventoryOf, untilSeen } = useTwoReplicas(target, "named");
const { namespace } = used;
const TEMPLATE = "node-${System Information/Serial Number}";
let door: MadeRegistration;

beforeAll(async () => {
  door = await used.makeDoor("door", { cloudConfig: { hostname: TEMPLATE, users: [{ name: "root" }] } });
});

type Smbios = Readonly<Record<string, Readonly<Record<string, string>>>> | undefined;
type Come = (tpm: SoftwareTpm, smbios: Smbios, made?: MadeRegistration) => Promise<unknown>;

const serial = (text: string): Smbios => ({ "System Information": { "Serial Number": text } });

async function comeAttested(tpm: SoftwareTpm, smbios: Smbios, { token } = door): Promise<unknown> {
  const report = { ...EMPTY_REPORT, smbios };
  return (await visitAttested(through(tpm, token, { report }))).config;
}

let doors = 0;
let turn = 0;
async function comeByRancherd(tpm: SoftwareTpm, smbios: Smbios, { token } = door): Promise<unknown> {
  turn += 1;
  const replica = turn % 2 === 0 ? first() : second();
  const url = `${replica}/v1-rancheros/registration/${token}`;
  const outcome = await visit({ url, tpm, ...(smbios === undefined ? {} : { smbios }) });
  expect(outcome.close).toEqual({ code: 1000, reason: "" });
  return JSON.parse(outcome.payload ?? "");
}

const rancherd = { server: "https://rancher.example.com", token: "tpm://" };
const configWith = (hostname: unknown) => ({
  hostname,
  users: [{ name: "root" }],
  rancherd,
  rancheros: { install: { automatic: true } },
});

describe.each<[string, Come]>([
  ["the attestation protocol", comeAttested],
  ["rancherd's protocol", comeByRancherd],
])("a machine that comes by %s", (_what, come) => {
  it("is called by its SMBIOS, and at each replica the same when it comes again, whatever it says then", async () => {
    const tpm = newTpm();
    const expected = configWith("node-7x9-1");
    expect(await come(tpm, serial("7X9.1"))).toEqual(expected);
    await untilSeen();
    const again = [undefined, {}, serial("other"), serial("7X9.1")];
    for (const smbios of again) expect(await come(tpm, smbios)).toEqual(expected);
    expect((await inventoryOf(tpm))?.spec["smbios"]).toEqual(serial("7X9.1"));
  });

  it.each<[string, Smbios]>([
    ["no SMBIOS at all", undefined],
    ["no serial number", { "System Information": { Manufacturer: "Dell" } }],
    ["what the board's maker left", serial("To Be Filled By O.E.M.")],
    ["only what a name cannot hold", serial("\u0000\u2028$()")],
  ])("is called as its inventory where it sends %s, also when it sends more later", async (_sent, smbios) => {
    const tpm = newTpm();
    const config = await come(tpm, smbios);
    const name = (await inventoryOf(tpm))?.metadata.name;
    expect(name).toMatch(/^m-[a-z0-9-]+$/);
    expect(config).toEqual(configWith(name));
    await untilSeen();
    expect(await come(tpm, serial("7X9"))).toEqual(configWith(name));
  });

  it("is called as the inventory that somebody has made for it by hand", async () => {
    const tpm = newTpm();
    const metadata = { name: `by-hand.${tpm.ekHash.slice(0, 8)}`, namespace };
    const spec = { tpm: tpm.ekHash };
    await applyObjects(target, { apiVersion: "rancheros.cattle.io/v1", kind: "MachineInventory", metadata, spec });
    await untilSeen();
    expect(await come(tpm, serial("7X9"))).toEqual(configWith(metadata.name));
  });

  it.each([
    ['x"\nruncmd: ["reboot"]\n#', "node-x-runcmd-reboot"],
    ["$(reboot)`reboot`;reboot", "node-reboot-reboot-reboot"],
    ["${System Information/Serial Number}", "node-system-information-serial-number"],
    ["../../../etc/shadow", "node-etc-shadow"],
  ])("cannot bring in more than a name by the serial number %j", async (hostile, hostname) => {
    expect(await come(newTpm(), serial(hostile))).toEqual(configWith(hostname));
  });

  it("ends in what follows from its TPM where its serial number is longer than a name", async () => {
    const long = serial("a".repeat(300));
    const [one, other] = [newTpm(), newTpm()];
    const names = [await come(one, long), await come(other, long)];
    const hostname: unknown = expect.stringMatching(/^node-a{52}-[a-z0-9]{5}$/);
    expect(names).toEqual([configWith(hostname), configWith(hostname)]);
    expect(names[0]).not.toEqual(names[1]);
  });

  it.each(["edge", "Edge_1", "cos-{{ .Random }}", 7])(
    "gets the host name %j as it stands in the registration",
    async (hostname) => {
      doors += 1;
      const made = await used.makeDoor(`as-it-is-${doors}`, { cloudConfig: { hostname } });
      expect(await come(newTpm(), serial("7X9"), made)).toMatchObject({ hostname });
    },
  );

  it("is called as its inventory where the template is not closed", async () => {
    doors += 1;
    const hostname = "node-${System Information/Serial Number";
    const made = await used.makeDoor(`not-closed-${doors}`, { cloudConfig: { hostname } });
    const tpm = newTpm();
    const config = await come(tpm, serial("7X9"), made);
    expect(config).toMatchObject({ hostname: (await inventoryOf(tpm))?.metadata.name });
  });
});

describe("a machine that changes the protocol", () => {
  it("is called as before", async () => {
    const tpm = newTpm();
    expect(await comeByRancherd(tpm, serial("old"))).toEqual(configWith("node-old"));
    await untilSeen();
    expect(await comeAttested(tpm, serial("new"))).toEqual(configWith("node-old"));
  });
});

describe("a machine that waits for approval", () => {
  it("is called by what it said first once it is approved", async () => {
    const made = await used.makeDoor("guarded", {
      cloudConfig: { hostname: TEMPLATE },
      attestation: { approval: "manual" },
    });
    const tpm = newTpm();
    expect(await comeAttested(tpm, serial("S1"), made)).toBeUndefined();
    const name = (await inventoryOf(tpm))?.metadata.name ?? "";
    const patch = JSON.stringify({ spec: { approval: "Approved" } });
    await kubectl(target, ["-n", namespace, "patch", "machineinventory", name, "--type", "merge", "-p", patch]);
    const config = await eventually(async () => comeAttested(tpm, undefined, made), "the approval");
    expect(config).toMatchObject({ hostname: "node-s1" });
  });
});

describe("a registration", () => {
  it("says that a template is not closed, and which, until it is", async () => {
    await used.makeDoor("wrong", { cloudConfig: { hostname: "node-${System Information/Serial Number" } });
    const conditionOf = async () => {
      const { conditions } = (await getObject(target, "machineregistration", namespace, "wrong"))?.status ?? {};
      return Array.isArray(conditions)
        ? (conditions as { readonly type: string; readonly status: string }[]).find(({ type }) => type === "Templates")
        : undefined;
    };
    expect(await eventually(conditionOf, "the condition")).toMatchObject({
      status: "False",
      reason: "Problems",
      message:
        "spec.cloudConfig.hostname: ${System Information/Serial Number has no }, so that each machine is called as its MachineInventory",
    });
    const patch = JSON.stringify({ spec: { cloudConfig: { hostname: TEMPLATE } } });
    await kubectl(target, ["-n", namespace, "patch", "mreg", "wrong", "--type", "merge", "-p", patch]);
    const isGone = async () => ((await conditionOf()) === undefined ? true : undefined);
    expect(await eventually(isGone, "the condition goes")).toBe(true);
  });
});

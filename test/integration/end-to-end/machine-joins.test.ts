/** The main job with nothing but the real processes: ros-agent, a TPM, the operator, the API server. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { parse } from "yaml";
import { listInventories, type MadeRegistration } from "../../operator/objects.ts";
import type { Swtpm } from "../../swtpm/index.ts";
import { runRosAgent } from "../interop/ros-agent.ts";
import { SERIAL_NUMBER, useAgent } from "./use-agent.ts";

const target = inject("controlPlane");
const agent = useAgent(target, "end-to-end");
const { used, caFile, dmi } = agent;
const { namespace, folder } = used;
let bare: Swtpm;
let door: MadeRegistration;

beforeAll(async () => {
  bare = await agent.addTpm("bare-tpm", { withEkCertificate: false });
  door = await used.makeDoor("door", {
    machineName: "${System Information/Manufacturer}-${System Information/Serial Number}-",
    machineInventoryLabels: { vendor: "${System Information/Manufacturer}" },
    machineInventoryAnnotations: { product: "${System Information/Product Name}" },
    cloudConfig: { users: [{ name: "root", passwd: "canary-passwd" }] },
  });
});

const legacy = ["--protocol", "legacy"] as const;
const withCa = () => [...legacy, "--ca-cert", caFile, "--smbios-dump", dmi];

describe("ros-agent register --protocol legacy", () => {
  it("--check tries everything and makes nothing", async () => {
    const outcome = await runRosAgent(["register", door.url, "--check", ...withCa(), "--tcti", agent.tpm.tcti]);
    expect(outcome).toMatchObject({ status: 0 });
    expect(await listInventories(target, namespace)).toEqual([]);
  });

  it("makes the machine, and saves its config for its owner only", async () => {
    const output = path.join(folder, "config.yaml");
    const outcome = await runRosAgent([
      "register",
      door.url,
      ...withCa(),
      "--tcti",
      agent.tpm.tcti,
      "--output",
      output,
    ]);
    expect(outcome).toMatchObject({ status: 0, stdout: "" });
    expect(statSync(output).mode & 0o777).toBe(0o600);
    const text = readFileSync(output, "utf8");
    expect(text.startsWith("#cloud-config\n")).toBe(true);
    expect(parse(text)).toEqual({
      users: [{ name: "root", passwd: "canary-passwd" }],
      rancherd: { server: used.operator.httpsUrl, token: "tpm://" },
      rancheros: { install: { automatic: true } },
    });
    const hash = (await runRosAgent(["get-tpm-hash", "--tcti", agent.tpm.tcti])).stdout.trim();
    const [inventory, ...others] = await listInventories(target, namespace);
    expect(others).toEqual([]);
    expect(inventory).toMatchObject({
      metadata: {
        name: expect.stringMatching(/^dell-inc-7x9kq13-[a-z0-9]{5}$/) as string,
        labels: { vendor: "Dell-Inc", "rancheros.cattle.io/machine-registration": "door" },
        annotations: { product: "PowerEdge R640" },
      },
      spec: { tpm: hash, smbios: { "System Information": { "Serial Number": SERIAL_NUMBER } } },
    });
  });

  it("comes again with a pinned CA, is known, and gets its config on standard output", async () => {
    const before = await listInventories(target, namespace);
    const pin = createHash("sha256").update(readFileSync(caFile)).digest("hex");
    const where = ["--ca-sha256", pin, "--smbios-dump", dmi, "--tcti", agent.tpm.tcti];
    const args = ["register", door.url, ...legacy, ...where, "--json"];
    const outcome = await runRosAgent(args);
    expect(outcome.status).toBe(0);
    expect(outcome.stdout).toContain("canary-passwd");
    expect(outcome.stderr).not.toContain(door.token);
    expect(await listInventories(target, namespace)).toEqual(before);
  });

  it("takes a second machine, without EK certificate, while the first comes again", async () => {
    const both = await Promise.all(
      [agent.tpm, bare].map(async ({ tcti }) => runRosAgent(["register", door.url, ...withCa(), "--tcti", tcti])),
    );
    expect(both.map((outcome) => outcome.status)).toEqual([0, 0]);
    expect(await listInventories(target, namespace)).toHaveLength(2);
  });

  it.each<[string, number, () => readonly string[], string]>([
    [
      "an unknown token",
      5,
      () => [`${door.url.slice(0, -54)}${"b".repeat(54)}`, ...withCa()],
      "MachineRegistration does not exist",
    ],
    ["a CA that is not the operator's", 5, () => [door.url, ...legacy, "--smbios-dump", dmi], "certificate"],
    ["a wrong pin", 5, () => [door.url, ...legacy, "--ca-sha256", "0".repeat(64), "--smbios-dump", dmi], "fingerprint"],
    ["plain HTTP that nobody asked for", 2, () => [door.url.replace("https:", "http:"), ...withCa()], "--allow-http"],
    ["a port where nobody listens", 4, () => [door.url.replace(/:\d+/, ":1"), ...withCa()], "refused"],
  ])("says what is wrong with %s, and saves nothing", async (_what, status, args, sentence) => {
    const before = await listInventories(target, namespace);
    const output = path.join(folder, "never.yaml");
    const outcome = await runRosAgent(["register", ...args(), "--tcti", agent.tpm.tcti, "--output", output]);
    expect([outcome.status, outcome.stderr]).toEqual([status, expect.stringContaining(sentence)]);
    expect(outcome.stderr).not.toContain(door.token);
    expect(readdirSync(folder).filter((name) => name.includes("never"))).toEqual([]);
    expect(existsSync(output)).toBe(false);
    expect(await listInventories(target, namespace)).toEqual(before);
  });
});

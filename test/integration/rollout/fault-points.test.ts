/** One machine of real parts whose agent dies once at every point that the code names, in the course of one upgrade. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { FAULT_POINTS } from "@rancheros/agent/upgrade";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { buildVersion, releaseText, startSite, type Site } from "../../whole-machine/index.ts";

const { binariesFolder } = inject("controlPlane");
const AGENT = fileURLToPath(new URL("../../whole-machine/fault-agent.ts", import.meta.url));
const UPGRADE_MS = 480_000;
/** A container is stopped only where one was left, which a death at these points does not bring about each time. */
const MAY_REMAIN = ["stop:after", "stop:before"];

const folder = mkdtempSync("/tmp/ws-");
let site: Site;
/** There is none where it did not come up, which is then the reason that counts. */
let stopSite: () => Promise<void> = async () => undefined;

beforeAll(async () => {
  site = await startSite({
    folder,
    machines: 2,
    operators: 1,
    binariesFolder,
    machine: (number) => (number === 1 ? { agentProgram: AGENT } : {}),
  });
  stopSite = () => site.stop();
});
afterAll(async () => {
  await stopSite();
  rmSync(folder, { recursive: true, force: true });
});

it(
  "an upgrade that dies at each fault point comes to the end that it has without",
  async () => {
    const [machine] = site.machines;
    if (machine === undefined) throw new Error("there are two machines");
    for (const point of FAULT_POINTS) machine.root.write(`faults/${point}`, "");
    const image = buildVersion("v2.0.0");
    await site.applyImage("default", {
      osImage: await site.push("v2.0.0", image),
      nodeSelector: { matchLabels: { "kubernetes.io/hostname": machine.node } },
      drain: { ignoreDaemonSets: true, deleteLocalData: true },
    });
    const done = await site.untilStatus("default", "the end", ({ state }) => state === "Complete", UPGRADE_MS);
    expect(done).toMatchObject({ total: 1, updated: 1, failed: 0 });
    const left = readdirSync(machine.root.path("faults"));
    expect(left.filter((point) => !MAY_REMAIN.includes(point))).toEqual([]);
    expect(machine.root.release).toBe(releaseText("v2.0.0"));
    expect(machine.reboots).toBe(1);
    expect(machine.journal()).toMatchObject({ cordon: "none", failedDigests: [], history: [{ phase: "Succeeded" }] });
    expect(await site.isCordoned(machine)).toBe(false);
    expect(await machine.containerd.leftovers()).toEqual([]);
    expect([...(await site.witness.evictions()).values()].filter(({ times }) => times > 1)).toEqual([]);
    expect(site.witness.cordoned).toEqual([machine.node]);
  },
  UPGRADE_MS,
);

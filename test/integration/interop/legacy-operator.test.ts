/** The Go program that measurements set beside our operator does the work: machines of the measurements register, and are stored. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeRequests, writesSince } from "../../../bench/api-writes.ts";
import { GO_NAMESPACE, GoOperator } from "../../../bench/go-operator.ts";
import type { CreatingJob } from "../../../bench/load/creating.ts";
import type { RegisteringJob } from "../../../bench/load/registering.ts";
import { WorkerProcess } from "../../../bench/load/worker-process.ts";
import { sampleSmbios } from "../../../bench/sample-smbios.ts";
import { prepareStage, REGISTRATION, type Stage } from "../../../bench/stage.ts";
import { BUILD_TIMEOUT_MS } from "../../go/build.ts";
import { buildLegacyOperator } from "../../legacy-operator/legacy-operator.ts";
import { eventually, listInventories, type AnyObject } from "../../operator/objects.ts";
import { createFleet, importFleet } from "../../software-tpm/index.ts";

const COUNT = 40;
const KIND = "machineinventories";
const FINALIZER = "wrangler.cattle.io/machine-inventory-remove";
const smbios = { memoryModules: 16 };
const fleet = createFleet(COUNT).toJson();
const registering = new WorkerProcess<RegisteringJob>("registering.ts");
const creating = new WorkerProcess<CreatingJob>("creating.ts");
let stage: Stage;
let operator: GoOperator;

beforeAll(async () => {
  const program = await buildLegacyOperator();
  stage = await prepareStage();
  operator = await GoOperator.meet({ program, stage, fleet, smbios, registering, creating });
}, BUILD_TIMEOUT_MS);

afterAll(async () => {
  await operator.leave();
  await Promise.all([registering.stop(), creating.stop()]);
  await stage.stop();
});

async function register(first: number, count: number, inFlight: number): Promise<void> {
  await (await operator.prepareVisits({ first, count, inFlight })).go();
}

/** Waits for the second write. */
async function finished(count: number): Promise<readonly AnyObject[]> {
  return eventually(async () => {
    const inventories = await listInventories(stage.controlPlane, GO_NAMESPACE);
    const held = inventories.filter(({ metadata }) => metadata.finalizers?.includes(FINALIZER) === true);
    return held.length === count && inventories.length === count ? inventories : undefined;
  }, `${count} inventories with their finalizer`);
}

describe("an operator on the original's libraries", () => {
  it("stores a machine as the original does, by two writes, once", async () => {
    const before = await writeRequests(stage.access, [KIND]);
    await register(0, 1, 1);
    const [inventory] = await finished(1);
    expect(inventory?.metadata.name).toMatch(/^m-example-systems-es-2024r-00000000-[a-z0-9]{5}$/);
    expect(inventory?.metadata.labels).toEqual({ "rancheros.cattle.io/machine-registration": REGISTRATION });
    expect(inventory?.spec).toEqual({ tpm: importFleet(fleet).at(0).ekHash, smbios: sampleSmbios("00000000", smbios) });
    await register(0, 1, 1);
    expect(await finished(1)).toEqual([inventory]);
    const writes = writesSince(before, await writeRequests(stage.access, [KIND]));
    expect(writes.get(KIND)).toEqual({ stored: 2, refused: 0 });
    await operator.clear(1);
  });

  it("stores many that come at once, each once, and lets their inventories go", async () => {
    await register(0, COUNT, 20);
    const hashes = new Set((await finished(COUNT)).map(({ spec }) => spec["tpm"]));
    const tpms = importFleet(fleet);
    expect(hashes).toEqual(new Set(Array.from({ length: COUNT }, (_, index) => tpms.at(index).ekHash)));
    await operator.clear(COUNT);
    expect(await listInventories(stage.controlPlane, GO_NAMESPACE)).toEqual([]);
  });

  it("has inventories that stay, which no machine brought", async () => {
    await operator.makeResidents(0, 20);
    const residents = await finished(20);
    expect(new Set(residents.map(({ spec }) => spec["tpm"])).size).toBe(20);
  });
});

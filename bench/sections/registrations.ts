/**
 * How many machines a second can register, beside how many objects a second the same API server takes from one client, and
 * beside a Go program on the original's libraries.
 */
import { buildLegacyOperator } from "../../test/legacy-operator/legacy-operator.ts";
import { createFleet, type FleetJson } from "../../test/software-tpm/index.ts";
import { GoOperator } from "../go-operator.ts";
import type { StoredInventory } from "../inventories.ts";
import { Machines } from "../machines.ts";
import { cpuMs } from "../process-figures.ts";
import { registrationCells, type Cell, type RegistrationPlan } from "../registration-cells.ts";
import { sampleSmbios } from "../sample-smbios.ts";
import type { Stage } from "../stage.ts";
import { besideRaw, figuresOf, timedLoad, type LoadFigures, type ProtocolFigures, type Run } from "../timed-load.ts";

export interface RegistrationFigures extends Cell {
  /** By rancherd's protocol, and by the attestation protocol. */
  readonly registrations: ProtocolFigures;
  readonly attestations: ProtocolFigures;
  /** By rancherd's protocol at the Go program, where it took part. */
  readonly goRegistrations?: ProtocolFigures;
  readonly rawCreates: LoadFigures;
}

export interface RegistrationReport {
  readonly smbiosJsonBytes: number;
  /** Of an operator that has just started, nothing of it compiled. */
  readonly coldStart: { readonly machines: number; readonly operatorCpuMs: number };
  readonly figures: readonly RegistrationFigures[];
}

/** Who is measured side by side. */
interface Contestants {
  readonly stage: Stage;
  readonly machines: Machines;
  readonly goOperator: GoOperator | undefined;
}

const COLD_MACHINES = 200;
/** Nothing of the Go program is compiled as it runs; its heap has to find its size. */
const GO_WARM_UP = 200;

export async function measureRegistrations(
  stage: Stage,
  plan: RegistrationPlan,
  say: (line: string) => void,
): Promise<RegistrationReport> {
  const goProgram = await findGoProgram(say);
  const most = Math.max(plan.warmUp, ...plan.loads.map(({ machines }) => machines));
  say(`making the keys of ${most} software TPMs`);
  const fleet = createFleet(most).toJson();
  const operator = await stage.startOperator();
  await operator.waitReady();
  const machines = await Machines.meet(stage, operator, fleet, plan.smbios);
  let goOperator: GoOperator | undefined;
  try {
    const coldStart = await measureColdStart(machines);
    const pattern = await machines.pattern();
    goOperator = await meetGoOperator(goProgram, machines, fleet, plan);
    const contestants = { stage, machines, goOperator };
    say(`warming up with ${plan.warmUp} machines`);
    await warmUp(contestants, pattern, plan);
    const figures: RegistrationFigures[] = [];
    let present = 0;
    for (const residents of plan.residents) {
      if (residents > present) {
        say(`making ${residents - present} inventories that stay`);
        await machines.makeResidents(pattern, present, residents - present);
        await goOperator?.makeResidents(present, residents - present);
        present = residents;
      }
      for (const cell of registrationCells(plan, residents, goOperator !== undefined)) {
        const found = await compare(contestants, pattern, cell);
        say(`${cell.listener}, ${residents} present, ${cell.inFlight} in flight: ${ratesOf(found)}`);
        figures.push(found);
      }
    }
    return { smbiosJsonBytes: JSON.stringify(sampleSmbios("00000000", plan.smbios)).length, coldStart, figures };
  } finally {
    await goOperator?.leave();
    await machines.leave();
    await operator.stop();
  }
}

/** The program on the original's libraries, where Go is there to build it. */
async function findGoProgram(say: (line: string) => void): Promise<string | undefined> {
  try {
    return await buildLegacyOperator();
  } catch (error) {
    say(`without the original's libraries beside it: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

async function meetGoOperator(
  program: string | undefined,
  { stage, registering, creating }: Machines,
  fleet: FleetJson,
  { smbios }: RegistrationPlan,
): Promise<GoOperator | undefined> {
  if (program === undefined) return undefined;
  return GoOperator.meet({ program, stage, fleet, smbios, registering, creating });
}

function ratesOf({ registrations, goRegistrations, attestations }: RegistrationFigures): string {
  const go = goRegistrations === undefined ? [] : [`Go ${rateOf(goRegistrations)}`];
  return [`rancherd's protocol ${rateOf(registrations)}`, ...go, `attestation ${rateOf(attestations)}`].join("; ");
}

function rateOf({ perSecond, operatorCpuMs }: LoadFigures): string {
  return `${perSecond.toFixed(0)} a second, ${operatorCpuMs.toFixed(2)} ms of the operator each`;
}

async function measureColdStart(machines: Machines): Promise<RegistrationReport["coldStart"]> {
  const visits = await machines.prepareVisits("http", { first: 0, count: COLD_MACHINES, inFlight: 10 });
  const before = cpuMs(machines.operator.pid);
  await visits.go();
  const operatorCpuMs = (cpuMs(machines.operator.pid) - before) / COLD_MACHINES;
  await machines.clear(COLD_MACHINES);
  return { machines: COLD_MACHINES, operatorCpuMs };
}

async function warmUp(
  { machines, goOperator }: Contestants,
  pattern: StoredInventory,
  plan: RegistrationPlan,
): Promise<void> {
  const count = Math.ceil(plan.warmUp / plan.listeners.length);
  const crowd = { first: 0, count, inFlight: 10 };
  for (const listener of plan.listeners) {
    await (await machines.prepareVisits(listener, crowd)).go();
    await machines.clear(count);
    await (await machines.prepareAttestedVisits(listener, crowd)).go();
    await machines.clear(count);
  }
  if (goOperator !== undefined) {
    const few = Math.min(GO_WARM_UP, count);
    await (await goOperator.prepareVisits({ ...crowd, count: few })).go();
    await goOperator.clear(few);
  }
  await (await machines.prepareCreates(pattern, crowd)).go();
  await machines.clearRaw(count);
}

/** All of them by turns, so that what else the machine does meets them alike. */
async function compare(
  { stage, machines, goOperator }: Contestants,
  pattern: StoredInventory,
  cell: Cell,
): Promise<RegistrationFigures> {
  const legacy: Run[] = [];
  const attested: Run[] = [];
  const go: Run[] = [];
  const raw: Run[] = [];
  const crowd = { first: 0, count: cell.machines, inFlight: cell.inFlight };
  const { pid: operatorPid } = machines.operator;
  const ours = { operatorPid, count: cell.machines };
  for (let round = 0; round < cell.rounds; round += 1) {
    const creates = await machines.prepareCreates(pattern, crowd);
    raw.push(await timedLoad(stage, { ...ours, ...creates, clientPid: machines.creating.pid }));
    await machines.clearRaw(cell.machines);
    const visits = await machines.prepareVisits(cell.listener, crowd);
    legacy.push(await timedLoad(stage, { ...ours, ...visits, clientPid: machines.registering.pid }));
    await machines.clear(cell.machines);
    if (goOperator !== undefined && cell.goMachines > 0) {
      const count = cell.goMachines;
      const goVisits = await goOperator.prepareVisits({ ...crowd, count });
      const theirs = { operatorPid: goOperator.pid, clientPid: machines.registering.pid, count };
      go.push(await timedLoad(stage, { ...theirs, ...goVisits }));
      await goOperator.clear(count);
    }
    const attestedVisits = await machines.prepareAttestedVisits(cell.listener, crowd);
    attested.push(await timedLoad(stage, { ...ours, ...attestedVisits, clientPid: machines.attesting.pid }));
    await machines.clear(cell.machines);
  }
  return {
    ...cell,
    registrations: besideRaw(legacy, raw),
    attestations: besideRaw(attested, raw),
    ...(go.length === 0 ? {} : { goRegistrations: besideRaw(go, raw) }),
    rawCreates: figuresOf(raw),
  };
}

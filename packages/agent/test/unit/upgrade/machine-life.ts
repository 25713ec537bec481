/** Agents that live on a machine of which everything but the upgrade itself is played, and die on it. */
import { configAtStart } from "../../../src/upgrade/config-at-start.ts";
import type { FaultPoint } from "../../../src/upgrade/fault-points.ts";
import type { Order } from "../../../src/upgrade/journal.ts";
import { openUpgrades, type Upgrades } from "../../../src/upgrade/upgrade.ts";
import { machinePorts, type Death } from "./machine-ports.ts";
import { NEW_RELEASE, type World } from "./machine-world.ts";
import { filesOf, startOwnSlot, type SlotPoint } from "./own-slots.ts";
import { createVirtualTime } from "./virtual-time.ts";

/** The life of a machine: agents that come and go on it. */
export interface Life {
  readonly world: World;
  readonly time: ReturnType<typeof createVirtualTime>;
  /** Called at each fault point, counted over all lives. @returns whether the agent is killed there, or the power goes */
  onPoint: (point: FaultPoint | SlotPoint, count: number) => "kill" | "power-cut" | undefined;
  /** The agent that runs now. */
  upgrades: Upgrades | undefined;
}

export function createLife(world: World): Life {
  return { world, time: createVirtualTime(), onPoint: () => undefined, upgrades: undefined };
}

function restart({ world, time }: Life): void {
  world.boot += 1;
  world.isStopping = false;
  world.containers.clear();
  time.uptimeMs = 1_000;
  if (world.ours !== undefined) world.boot += startOwnSlot(world.ours) - 1;
  const isNew = world.slots.active === NEW_RELEASE;
  world.slots.runs = isNew && world.imageBoots === "falls-back" ? "passive" : "active";
  world.node = { ...world.node, bootId: `boot-${world.boot}` };
  world.events.push(`boot ${(world.ours ?? world.slots).runs}`);
}

/** Lets agents live on the machine, each after the death of the one before, until an upgrade has ended. */
export async function live(life: Life, order: Order | (() => Order) | undefined, maxDeaths = 60): Promise<void> {
  for (let deaths = 0; deaths < maxDeaths; deaths++) {
    const death = await liveOnce(life, typeof order === "function" ? order() : order);
    if (death === undefined) return;
    life.time.forget();
    if (death === "kill") continue;
    restart(life);
    while (!(await applyConfig(life)));
  }
  throw new Error(`no end after ${maxDeaths} deaths: ${life.world.events.join(", ")}`);
}

class Killed extends Error {}

/** Before any agent lives, and again where it is killed or the power goes. @returns whether it came to its end */
async function applyConfig(life: Life): Promise<boolean> {
  const { world } = life;
  const reach = async (point: FaultPoint | SlotPoint): Promise<void> => {
    world.reached.push(point);
    const death = life.onPoint(point, world.reached.length);
    if (death === "power-cut") restart(life);
    if (death !== undefined) throw new Killed();
    return Promise.resolve();
  };
  const never = (): Promise<never> => Promise.reject(new Error("nobody lives here"));
  const { host, journalFile, slots } = machinePorts(life, { die: never, isDead: () => false, reach });
  try {
    if (slots !== undefined) await configAtStart({ host, journalFile, slots }, () => undefined);
  } catch (error) {
    if (error instanceof Killed) return false;
    throw error;
  }
  world.appliedConfig = world.cloudConfig;
  for (const { path, content, mode } of filesOf(world.cloudConfig ?? ""))
    world.files.set(path, { text: content.toString(), mode });
  return true;
}

async function liveOnce(life: Life, order: Order | undefined): Promise<Death | undefined> {
  const { world, time } = life;
  const died = Promise.withResolvers<Death>();
  const over = new AbortController();
  let isDead = false;
  const die = (death: Death): Promise<never> => {
    isDead = true;
    died.resolve(death);
    return new Promise(() => undefined);
  };
  const reach = async (point: FaultPoint | SlotPoint): Promise<void> => {
    if (isDead) return new Promise(() => undefined);
    world.reached.push(point);
    const death = life.onPoint(point, world.reached.length);
    return death === undefined ? undefined : die(death);
  };
  const ports = machinePorts(life, { die, isDead: () => isDead, reach });
  const lifeline = (async (): Promise<undefined> => {
    const upgrades = await openUpgrades(ports, { log: () => undefined, reach });
    life.upgrades = upgrades;
    // Whoever has an order gives it again where it could not be written down.
    const give = (): Promise<boolean> => (order === undefined ? Promise.resolve(true) : isTaken(upgrades, order));
    while (!(await give())) await time.sleep(1_000, over.signal);
    const work = upgrades.work(over.signal);
    while (upgrades.journal().run !== undefined) await upgrades.changed(over.signal);
    over.abort();
    await work;
    return undefined;
  })();
  return time.until(Promise.race([died.promise, lifeline]));
}

function isTaken(upgrades: Upgrades, order: Order): Promise<boolean> {
  return upgrades.offer(order).then(
    () => true,
    () => false,
  );
}

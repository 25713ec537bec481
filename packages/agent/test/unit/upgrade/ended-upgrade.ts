/** A whole upgrade, and how it ended. */
import type { Plan } from "@rancheros/protocol/upgrade";
import { readJournal } from "../../../src/upgrade/read-journal.ts";
import { createLife, live } from "./machine-life.ts";
import { createWorld, orderOf, type World } from "./machine-world.ts";

export async function upgraded(changes: Partial<World> = {}, plan: Partial<Plan> = {}) {
  const life = createLife(createWorld(changes));
  await live(life, orderOf(plan));
  return ended(life.world);
}

export function ended(world: World) {
  const journal = readJournal(world.disk ?? "");
  const [last] = journal.history;
  return {
    world,
    journal,
    phase: last?.phase,
    code: last?.reason?.code,
    message: last?.reason?.message ?? last?.message,
  };
}

/** How fast honest machines register beside connections that are held to keep them out. */
import { gather, type Manner } from "../../test/hostile/load/crowd.ts";
import { registerAll, type HonestRun } from "../../test/hostile/load/honest.ts";
import { createSoftwareTpm, generateAttestationKey } from "../../test/software-tpm/index.ts";
import { cpuMs, memoryOf, type ProcessMemory } from "../process-figures.ts";
import type { Stage } from "../stage.ts";
import { median } from "../statistics.ts";

export interface HostilePlan {
  readonly connections: number;
  readonly machines: number;
  readonly atOnce: number;
  readonly rounds: number;
}

export interface HostileFigures {
  readonly perSecond: number;
  readonly comeBacks: number;
  readonly registered: number;
  /** Of the operator, in all its time here, over the time. */
  readonly cpuShare: number;
  readonly memory: ProcessMemory;
}

export interface HostileReport extends HostilePlan {
  readonly open: Readonly<Record<Manner, number>>;
  readonly alone: HostileFigures;
  readonly beside: HostileFigures;
}

interface Round extends HonestRun {
  readonly cpuShare: number;
}

export async function measureHostile(
  stage: Stage,
  plan: HostilePlan,
  say: (line: string) => void,
): Promise<HostileReport> {
  const operator = await stage.startOperator();
  await operator.waitReady();
  const { token } = await stage.register();
  const url = `${operator.httpUrl}/v1-rancheros/registration/${token}`;
  const ak = generateAttestationKey("rsa");
  const newTpms = () => Array.from({ length: plan.machines }, () => createSoftwareTpm({ ak }));

  async function round(): Promise<Round> {
    const tpms = newTpms();
    const before = cpuMs(operator.pid);
    const run = await registerAll(url, tpms, plan.atOnce);
    return { ...run, cpuShare: (cpuMs(operator.pid) - before) / run.durationMs };
  }

  function figures(rounds: readonly Round[]): HostileFigures {
    return {
      perSecond: median(rounds.map((one) => one.perSecond)),
      comeBacks: rounds.reduce((sum, one) => sum + one.comeBacks, 0),
      registered: rounds.reduce((sum, one) => sum + one.registered, 0),
      cpuShare: median(rounds.map((one) => one.cpuShare)),
      memory: memoryOf(operator.pid),
    };
  }

  try {
    await round();
    const rounds = Array.from({ length: plan.rounds });
    const alone: Round[] = [];
    for (const _ of rounds) alone.push(await round());
    const aloneFigures = figures(alone);
    say(`alone: ${aloneFigures.perSecond.toFixed(0)} a second`);
    const crowd = gather({ url, count: plan.connections });
    try {
      await crowd.gathered();
      const beside: Round[] = [];
      for (const _ of rounds) beside.push(await round());
      const besideFigures = figures(beside);
      say(`beside ${plan.connections}: ${besideFigures.perSecond.toFixed(0)} a second`);
      return { ...plan, open: crowd.open(), alone: aloneFigures, beside: besideFigures };
    } finally {
      await crowd.leave();
    }
  } finally {
    await operator.stop();
  }
}

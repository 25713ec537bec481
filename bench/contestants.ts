/** The programs that do the same beside each other, each as a whole process, and what they take. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildLegacyPrograms } from "../test/go/build.ts";
import type { CommandFigures } from "./measure-command.ts";
import { spreadOf, type Spread } from "./statistics.ts";

export const ROS_AGENT = fileURLToPath(new URL("../scripts/ros-agent", import.meta.url));
const BUILT = fileURLToPath(new URL("../dist/ros-agent", import.meta.url));

/** The single executable, where scripts/build-agent has made it. */
export function builtAgent(): string | undefined {
  return existsSync(BUILT) ? BUILT : undefined;
}

export interface CommandSpread {
  readonly wallMs: Spread;
  readonly cpuMs: Spread;
  readonly peakMb: Spread;
}

export interface Contestants {
  /** From the checkout. */
  readonly rosAgent: CommandSpread;
  /** The single executable; undefined where it has not been made. */
  readonly executable: CommandSpread | undefined;
  /** Go, go-attestation v0.3.2, straight on the TPM's socket; undefined where it cannot be built. */
  readonly original: CommandSpread | undefined;
}

export function commandSpread(runs: readonly CommandFigures[]): CommandSpread {
  return {
    wallMs: spreadOf(runs.map((run) => run.wallMs)),
    cpuMs: spreadOf(runs.map((run) => run.cpuMs)),
    peakMb: spreadOf(runs.map((run) => run.peakMb)),
  };
}

type FiguresOf = (who: keyof Contestants, measured: Promise<CommandFigures>) => Promise<CommandFigures>;

/**
 * The programs one after the other, again and again. The first turn is not counted: in it the checkout's bundle is made
 * where that is not there, and caches fill.
 */
export async function inTurns(runs: number, turn: (figuresOf: FiguresOf) => Promise<void>): Promise<Contestants> {
  const taken: Record<keyof Contestants, CommandFigures[]> = { rosAgent: [], executable: [], original: [] };
  for (let run = 0; run <= runs; run += 1) {
    await turn(async (who, measured) => {
      const figures = await measured;
      if (run > 0) taken[who].push(figures);
      return figures;
    });
  }
  const spread = (some: readonly CommandFigures[]) => (some.length === 0 ? undefined : commandSpread(some));
  return {
    rosAgent: commandSpread(taken.rosAgent),
    executable: spread(taken.executable),
    original: spread(taken.original),
  };
}

/** The program that is built like rancherd, where Go is there to build it. */
export async function originalClient(say: (line: string) => void): Promise<string | undefined> {
  try {
    return (await buildLegacyPrograms()).clientPath;
  } catch (error) {
    say(`without the original's libraries beside it: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

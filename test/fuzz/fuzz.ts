/** Feeds spoilt inputs to all targets, evenly, and holds every answer against the rules. */
import { isCodedError } from "@rancheros/protocol/errors";
import { mutate } from "./mutate.ts";
import { Random } from "./random.ts";
import type { FuzzTarget } from "./targets.ts";

/** No single input may take more of the processor: what others do on the machine is not counted. */
export const INPUT_LIMIT_MS = 50;
/** How much the process may grow, all garbage included: inputs have kilobytes. */
export const GROWTH_LIMIT_BYTES = 512 * 1024 * 1024;
/** What V8 does at one moment makes one reading slow; a slow input is slow every time. */
const SECOND_LOOKS = 4;
const ROUND = 500;
const FINDINGS_MAX = 20;

export interface Finding {
  readonly target: string;
  readonly what: string;
  /** Hex. */
  readonly input: string;
}

export interface TargetReport {
  readonly name: string;
  inputs: number;
  /** Inputs that were read as valid. */
  accepted: number;
  /** Of the processor. */
  slowestMs: number;
}

export interface FuzzReport {
  readonly seed: number;
  readonly inputs: number;
  readonly targets: readonly TargetReport[];
  readonly findings: readonly Finding[];
  readonly grownBytes: number;
}

export interface FuzzOptions {
  readonly targets: readonly FuzzTarget[];
  readonly count: number;
  readonly seed: number;
  /** Called now and then with the number of inputs so far. */
  readonly onProgress?: (done: number) => void;
  /** Called with each finding when it comes: who ends it has had them. */
  readonly onFinding?: (finding: Finding) => void;
}

type Verdict = { readonly accepted: boolean; readonly problem: string | undefined; readonly ms: number };

/** Of this thread, so that neither a colleague on the machine nor the compiler in the background is taken for the reader. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

function look(target: FuzzTarget, input: Buffer): Verdict {
  const before = Buffer.from(input);
  const start = cpuMs();
  let again: Buffer | undefined;
  try {
    again = target.read(input);
  } catch (error) {
    const ms = cpuMs() - start;
    if (isCodedError(error) && error.failure !== "internal") return { accepted: false, problem: undefined, ms };
    const what = isCodedError(error) ? error.code : String(error instanceof Error ? error.stack : error);
    return { accepted: false, problem: `threw no error of the other side: ${what}`, ms };
  }
  const ms = cpuMs() - start;
  if (!input.equals(before)) return { accepted: true, problem: "changed its input", ms };
  if (again !== undefined && !again.equals(input)) return { accepted: true, problem: "reads as another input", ms };
  return { accepted: true, problem: undefined, ms };
}

/** The best of some looks where the first was slow. */
function judge(target: FuzzTarget, input: Buffer): Verdict {
  let verdict = look(target, input);
  for (let times = 0; verdict.ms > INPUT_LIMIT_MS && times < SECOND_LOOKS; times += 1) {
    const next = look(target, input);
    if (next.ms < verdict.ms) verdict = next;
  }
  if (verdict.problem !== undefined || verdict.ms <= INPUT_LIMIT_MS) return verdict;
  return { ...verdict, problem: `took ${Math.round(verdict.ms)} ms` };
}

/** The same count and seed give the same inputs. Ends early where there is too much to report. */
export function fuzz({ targets, count, seed, onProgress, onFinding }: FuzzOptions): FuzzReport {
  const findings: Finding[] = [];
  const reports = targets.map(({ name }): TargetReport => ({ name, inputs: 0, accepted: 0, slowestMs: 0 }));
  const randoms = targets.map((_, index) => new Random(seed, index));
  const rssBefore = process.memoryUsage.rss();
  let rssMost = rssBefore;
  let done = 0;

  function find(finding: Finding): void {
    findings.push(finding);
    onFinding?.(finding);
  }

  function feed(index: number, inputs: number): void {
    const [target, report, random] = [targets[index], reports[index], randoms[index]];
    if (target === undefined || report === undefined || random === undefined) return;
    for (let number = 0; number < inputs; number += 1) {
      const input = mutate(target.vectors, random);
      const { accepted, problem, ms } = judge(target, input);
      report.inputs += 1;
      report.accepted += accepted ? 1 : 0;
      report.slowestMs = Math.max(report.slowestMs, ms);
      if (problem !== undefined) find({ target: target.name, what: problem, input: input.toString("hex") });
      if (findings.length >= FINDINGS_MAX) return;
    }
  }

  for (let index = 0; done < count && findings.length < FINDINGS_MAX; index = (index + 1) % targets.length) {
    const inputs = Math.min(ROUND, count - done);
    feed(index, inputs);
    done += inputs;
    rssMost = Math.max(rssMost, process.memoryUsage.rss());
    if (index === targets.length - 1) onProgress?.(done);
  }
  const grownBytes = rssMost - rssBefore;
  if (grownBytes > GROWTH_LIMIT_BYTES) find({ target: "all", what: `grew by ${grownBytes} bytes`, input: "" });
  return { seed, inputs: reports.reduce((sum, { inputs }) => sum + inputs, 0), targets: reports, findings, grownBytes };
}

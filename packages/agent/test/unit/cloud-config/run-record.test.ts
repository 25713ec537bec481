import { expect, it } from "vitest";

import { Random } from "../../../../../test/fuzz/random.ts";
import {
  NO_LINES,
  REMEMBERED_MAX,
  formatRecord,
  leftToCloudInit,
  parseRecord,
  recordWith,
  withState,
  type RunRecord,
} from "../../../src/cloud-config/apply/run-record.ts";
import { EMPTY_CONFIG, mergeConfigs, type RunCommand } from "../../../src/cloud-config/cloud-config.ts";

const shell = (script: string): RunCommand => ({ kind: "shell", script });

/** As runCommands does. */
function runAll(record: RunRecord): { readonly record: RunRecord; readonly ran: readonly string[] } {
  const ran: string[] = [];
  let after = record;
  for (const [index, { state }] of record.lines.entries()) {
    if (state.kind !== "waiting") continue;
    ran.push(state.command.kind === "shell" ? state.command.script : "");
    after = withState(after, index, { kind: "ended", outcome: "exit code 0" });
  }
  return { record: after, ran };
}

it("runs each line once and in order, whatever lists come from one file one after the other", () => {
  const seed = Date.now() % 1_000_000;
  const numbers = new Random(seed, 0);
  const random = (below: number): number => numbers.below(below);
  let record = NO_LINES;
  const done = new Map<string, number>();
  for (let round = 0; round < 300; round++) {
    const list = Array.from({ length: random(8) }, () => `line ${random(12)}`);
    record = recordWith(record, list.map(shell), "/oem/a.yaml");
    expect(parseRecord(formatRecord(record)), `seed ${seed}`).toEqual(record);
    expect(recordWith(record, list.map(shell), "/oem/a.yaml"), `seed ${seed}`).toEqual(record);
    // Sometimes another list comes before this one has run.
    if (random(3) === 0) continue;
    const expected: string[] = [];
    const counted = new Map<string, number>();
    for (const line of list) {
      const nth = (counted.get(line) ?? 0) + 1;
      counted.set(line, nth);
      if (nth > (done.get(line) ?? 0)) {
        expected.push(line);
        done.set(line, nth);
      }
    }
    const after = runAll(record);
    record = after.record;
    expect(after.ran, `seed ${seed}`).toEqual(expected);
  }
});

it("runs a line that stands in several files as often as in the one that has it most", () => {
  const scripts = (...files: readonly (readonly string[])[]): readonly string[] => {
    const configs = files.map((lines) => ({ ...EMPTY_CONFIG, commands: lines.map(shell) }));
    return mergeConfigs(configs).commands.flatMap((one) => (one.kind === "shell" ? one.script : []));
  };
  const oem = ["mount -a", "sync", "mount -a"];
  // The answer of the registration is what the installation has put into /oem.
  expect(scripts(oem, oem)).toEqual(oem);
  expect(scripts(oem, oem, oem)).toEqual(oem);
  expect(scripts(oem, ["new", "sync", "sync"])).toEqual([...oem, "new", "sync"]);
  expect(scripts(["a"], ["a", "a", "b"])).toEqual(["a", "a", "b"]);
  const program: RunCommand = { kind: "program", argv: ["sync"] };
  expect(
    mergeConfigs([
      { ...EMPTY_CONFIG, commands: [program] },
      { ...EMPTY_CONFIG, commands: [shell("sync")] },
    ]).commands,
  ).toHaveLength(2);
  // At the first start /oem alone is there, at the next one both are.
  const from = [
    "/oem/99_custom.yaml",
    "/oem/99_custom.yaml /var/lib/rancheros-registration/cloud-config.yaml",
  ] as const;
  const first = runAll(recordWith(NO_LINES, oem.map(shell), from[0]));
  expect(first.ran).toEqual(oem);
  expect(runAll(recordWith(first.record, scripts(oem, oem).map(shell), from[1])).ran).toEqual([]);
});

it("forgets the oldest lines when there are too many, and never one of the list", () => {
  let record = NO_LINES;
  for (let round = 0; round < 3; round++) {
    const list = Array.from({ length: REMEMBERED_MAX }, (_one, at) => shell(`echo ${round} ${at}`));
    record = runAll(recordWith(record, list, "/oem/a.yaml")).record;
    expect(runAll(recordWith(record, list, "/oem/a.yaml")).ran).toEqual([]);
  }
  expect(record.lines).toHaveLength(2 * REMEMBERED_MAX);
});

it.each([
  "",
  "{}",
  "[]",
  '{"version":1,"digest":"x","commands":[{}],"states":[{"kind":"started"}]}',
  '{"version":2,"lines":[{}]}',
])("takes %j for no record", (text) => {
  expect(parseRecord(text)).toBeUndefined();
});

it("runs nothing again that an earlier agent's record says has run, and nothing that it left waiting and that is gone", () => {
  const commands = ["one", "two", "three"].map(shell);
  const states = [{ kind: "ended", outcome: "exit code 0" }, { kind: "started" }, { kind: "waiting" }];
  const old = JSON.stringify({ version: 1, digest: "", commands, states }, undefined, 2);
  const read = parseRecord(old);
  expect(runAll(recordWith(read ?? NO_LINES, commands, "/oem/a.yaml")).ran).toEqual(["three"]);
  expect(runAll(recordWith(read ?? NO_LINES, [shell("one"), shell("four")], "/oem/a.yaml")).ran).toEqual(["four"]);
  expect(parseRecord(JSON.stringify({ version: 1, commands, states: states.slice(1) }))).toBeUndefined();
});

it("leaves to cloud-init the lines that it is given, and none that waits from elsewhere", () => {
  const waiting = recordWith(NO_LINES, [shell("mine"), shell("both")], "/oem/mine.yaml");
  const { lines } = leftToCloudInit(waiting, [shell("both"), shell("theirs")], "/registration.yaml");
  expect(lines.map(({ state }) => state)).toEqual([
    { kind: "waiting", command: shell("mine") },
    { kind: "ended", outcome: "left to cloud-init" },
    { kind: "ended", outcome: "left to cloud-init" },
  ]);
});

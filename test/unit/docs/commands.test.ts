/** Commands that the pages show are there, with the flags and values that they are shown with. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { AgentCommand } from "../../../packages/cli/src/agent-command.ts";
import { COMMANDS, leadingCommand } from "../../../packages/cli/src/command-table.ts";
import { SETTINGS } from "../../../packages/operator/src/settings/index.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const OWN_PAGES = readdirSync(path.join(ROOT, "docs")).filter((name) => name.endsWith(".md"));
const PAGES = ["README.md", "CONTRIBUTING.md", ...OWN_PAGES.map((name) => `docs/${name}`)];

function read(name: string): string {
  return readFileSync(path.join(ROOT, name), "utf8");
}

/** What stands in code: each line of a block, lines that go on put together, and each piece within a sentence. */
function codeOf(page: string): readonly string[] {
  const blocks = [...page.matchAll(/^ *```(?:sh)?\n([\s\S]*?)^ *```$/gm)].map(([, text = ""]) => text);
  const lines = blocks.flatMap((block) => block.replaceAll("\\\n", " ").split("\n"));
  const pieces = [...page.matchAll(/`([^`\n]+)`/g)].map(([, text = ""]) => text);
  return [...lines, ...pieces].map((line) => line.replace(/(^|\s)#.*/, ""));
}

/** Calls of a program within a page, each up to where the shell begins another. */
function callsOf(page: string, program: RegExp): readonly string[] {
  const call = new RegExp(String.raw`(?:^|[\s(])(?:${program.source})((?:\s[^|&;)]*)?)`, "g");
  return codeOf(page).flatMap((line) =>
    [...line.matchAll(call)].map(([, rest = ""]) => rest.trim().replaceAll(/\s+/g, " ")),
  );
}

function flagsOf(call: string): readonly string[] {
  return [...call.matchAll(/(?:^|[\s[])--([a-z][a-z0-9-]*)/g)].map(([, flag = ""]) => flag);
}

describe.each(PAGES)("%s", (name) => {
  const page = read(name);

  it("calls ros-agent by commands that it has, with their flags", async () => {
    const wrong: string[] = [];
    for (const call of callsOf(page, /(?:\.\/scripts\/|dist\/)?ros-agent/)) {
      const command = leadingCommand(call.split(/\s+/));
      if (command === undefined) {
        if (!/^(?:|help.*|-.*|ros-agent.*|\/usr\/bin\/ros-agent)$/.test(call)) wrong.push(call);
        continue;
      }
      const known = { ...AgentCommand.baseFlags, ...(await COMMANDS[command.name]()).flags };
      wrong.push(
        ...flagsOf(call)
          .filter((flag) => !Object.hasOwn(known, flag))
          .map((flag) => `${call}: --${flag}`),
      );
    }
    expect(wrong).toEqual([]);
  });

  it("calls the operator with settings that it has", () => {
    const known = new Set<string>(Object.values(SETTINGS).map(({ flag }) => flag));
    const calls = callsOf(page, /(?:\.\/scripts\/|dist\/)?rancheros-operator/).filter((call) => call.startsWith("--"));
    expect(calls.flatMap(flagsOf).filter((flag) => !known.has(flag))).toEqual([]);
  });

  it("calls scripts that are there, with flags that they know", () => {
    const calls = codeOf(page).flatMap((line) => [...line.matchAll(/(?:^|\s)\.\/scripts\/([\w-]+)([^|&;]*)/g)]);
    const wrong = calls.flatMap(([, script = "", rest = ""]) => {
      if (["ros-agent", "rancheros-operator"].includes(script)) return [];
      if (!existsSync(path.join(ROOT, "scripts", script))) return [script];
      const text = read(`scripts/${script}`);
      return flagsOf(rest)
        .filter((flag) => !text.includes(`--${flag}`))
        .map((flag) => `${script} --${flag}`);
    });
    expect(wrong).toEqual([]);
  });

  it("sets values that the chart has", () => {
    const set = codeOf(page).flatMap((line) => [...line.matchAll(/--set ([\w.]+)=/g)].map(([, key = ""]) => key));
    expect(set.filter((key) => !isValue(key.split(".")))).toEqual([]);
  });
});

interface ValuesSchema {
  readonly properties?: Readonly<Record<string, ValuesSchema>>;
}

function isValue(key: readonly string[]): boolean {
  let schema = JSON.parse(read("charts/rancheros-operator/values.schema.json")) as ValuesSchema | undefined;
  for (const name of key) schema = schema?.properties?.[name];
  return schema !== undefined;
}

it("looks at pages, and finds what they call", () => {
  const shown = callsOf(
    "```sh\nx | ros-agent register URL \\\n  --check # a word\n```\nand `ros-agent doctor`",
    /ros-agent/,
  );
  expect(shown).toEqual(["register URL --check", "doctor"]);
  expect(callsOf(read("docs/quick-start.md"), /(?:\.\/scripts\/)?ros-agent/).length).toBeGreaterThan(3);
});

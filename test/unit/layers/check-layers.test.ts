/** The layer check bites: for each rule, a tree with exactly that one thing wrong. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkLayers, ruleNames } from "../../../scripts/check-layers.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "rancheros-layers-"));
  for (const [file, text] of Object.entries(SOUND_TREE)) write(file, text);
  mkdirSync(path.join(root, "node_modules/@rancheros"), { recursive: true });
  for (const name of ["protocol", "keyless", "agent"]) {
    symlinkSync(`../../packages/${name}`, path.join(root, "node_modules/@rancheros", name));
  }
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(file: string, text: string): void {
  mkdirSync(path.join(root, path.dirname(file)), { recursive: true });
  writeFileSync(path.join(root, file), text);
}

function manifest(name: string, dependencies: object = {}, exports: object = {}): string {
  return JSON.stringify({ name, version: "0.1.0", type: "module", dependencies, exports });
}

/** Everything in it is allowed. */
const SOUND_TREE: Readonly<Record<string, string>> = {
  "package.json": manifest("root"),
  "node_modules/typebox/package.json": manifest("typebox", {}, { ".": "./index.js" }),
  "node_modules/typebox/index.js": "export const Type = {};",
  "node_modules/undici/package.json": manifest("undici", {}, { ".": "./index.js" }),
  "node_modules/undici/index.js": "export const request = 1;",
  "node_modules/yaml/package.json": manifest("yaml", {}, { ".": "./index.js" }),
  "node_modules/yaml/index.js": "export const parse = 1;",

  "packages/protocol/package.json": manifest(
    "@rancheros/protocol",
    { typebox: "1" },
    { "./tpm": "./src/tpm/index.ts", "./errors": "./src/errors/index.ts" },
  ),
  "packages/protocol/src/errors/index.ts": `export const coded = 1;`,
  "packages/protocol/src/tpm/index.ts": `import { Type } from "typebox"; import { createHash } from "node:crypto"; import { coded } from "../errors/index.ts"; export const name = [Type, createHash, coded];`,

  "packages/keyless/package.json": manifest(
    "@rancheros/keyless",
    { "@rancheros/protocol": "0.1.0" },
    { ".": "./src/index.ts" },
  ),
  "packages/keyless/src/index.ts": `import { name } from "@rancheros/protocol/tpm"; export const verify = name;`,

  "packages/agent/package.json": manifest(
    "@rancheros/agent",
    { "@rancheros/protocol": "0.1.0", "@rancheros/keyless": "0.1.0", undici: "1" },
    { "./tpm": "./src/tpm/index.ts" },
  ),
  "packages/agent/src/tpm/index.ts": `export { read } from "./read.ts"; export { run } from "./io/tool.ts";`,
  "packages/agent/src/tpm/read.ts": `import { name } from "@rancheros/protocol/tpm"; import type { Tool } from "./io/tool.ts"; export const read = (tool: Tool) => [name, tool];`,
  "packages/agent/src/tpm/io/tool.ts": `import { spawn } from "node:child_process"; import { request } from "undici"; export type Tool = string; export const run = [spawn, request];`,
  "packages/agent/src/drain/index.ts": `export const drain = async () => (await import("@rancheros/keyless")).verify;`,
  "packages/agent/src/drain/drain.ts": `import { read } from "../tpm/index.ts"; export const flow = read;`,
  "packages/agent/src/daemon.ts": `import { run } from "./tpm/io/tool.ts"; export const daemon = run;`,
  "packages/agent/test/unit/tpm/read.test.ts": `import { read } from "../../../src/tpm/read.ts"; import "../../../../../test/control-plane/kubectl.ts"; export const tested = read;`,

  "packages/cli/package.json": manifest("@rancheros/cli", { "@rancheros/agent": "0.1.0" }),
  "packages/cli/src/main.ts": `import { read } from "@rancheros/agent/tpm"; export const main = read;`,
  "packages/operator/package.json": manifest("@rancheros/operator", { "@rancheros/protocol": "0.1.0" }),
  "packages/operator/src/main.ts": `import { name } from "@rancheros/protocol/tpm"; export const main = name;`,
  "test/control-plane/kubectl.ts": `export const kubectl = 1;`,
  "scripts/demo.ts": `import { kubectl } from "../test/control-plane/kubectl.ts"; export const demo = kubectl;`,
};

interface Wrong {
  readonly rule: string;
  readonly what: string;
  readonly file: string;
  readonly text: string;
  /** What else goes wrong with it, unavoidably. */
  readonly also?: readonly string[];
}

const WRONG: readonly Wrong[] = [
  {
    rule: "protocol-stands-alone",
    what: "the protocol uses another package from the registry",
    file: "packages/protocol/src/tpm/parse.ts",
    text: `import { parse } from "yaml"; export const x = parse;`,
    also: ["declared-dependencies-only"],
  },
  {
    rule: "protocol-stands-alone",
    what: "the protocol uses the agent, for a type only",
    file: "packages/protocol/src/tpm/parse.ts",
    text: `import type { read } from "@rancheros/agent/tpm"; export type X = typeof read;`,
  },
  {
    rule: "protocol-does-no-io",
    what: "the protocol reads a file",
    file: "packages/protocol/src/tpm/load.ts",
    text: `import { readFile } from "node:fs/promises"; export const x = readFile;`,
  },
  {
    rule: "keyless-uses-protocol-only",
    what: "the verifier of identities uses the agent",
    file: "packages/keyless/src/ask.ts",
    text: `import { read } from "@rancheros/agent/tpm"; export const x = read;`,
  },
  {
    rule: "keyless-is-loaded-late",
    what: "the agent waits for the verifier of identities when it starts",
    file: "packages/agent/src/tpm/prove.ts",
    text: `import { verify } from "@rancheros/keyless"; export const x = verify;`,
  },
  {
    rule: "agent-uses-protocol-only",
    what: "the agent uses the operator",
    file: "packages/agent/src/tpm/ask.ts",
    text: `import { main } from "../../../operator/src/main.ts"; export const x = main;`,
    also: ["packages-meet-at-their-exports"],
  },
  {
    rule: "operator-uses-protocol-only",
    what: "the operator uses the agent",
    file: "packages/operator/src/rollout/ask.ts",
    text: `import { read } from "@rancheros/agent/tpm"; export const x = read;`,
  },
  {
    rule: "operator-uses-protocol-only",
    what: "a test of the operator uses the agent",
    file: "packages/operator/test/unit/ask.test.ts",
    text: `import { read } from "@rancheros/agent/tpm"; export const x = read;`,
  },
  {
    rule: "cli-uses-agent-and-protocol-only",
    what: "the command line uses the operator",
    file: "packages/cli/src/commands/serve.ts",
    text: `import { main } from "../../../operator/src/main.ts"; export const x = main;`,
    also: ["packages-meet-at-their-exports"],
  },
  {
    rule: "packages-meet-at-their-exports",
    what: "the agent reaches past the protocol's exports",
    file: "packages/agent/src/tpm/reach.ts",
    text: `export { name } from "../../../protocol/src/tpm/index.ts";`,
  },
  {
    rule: "domains-meet-at-their-index",
    what: "a domain uses an inner file of another",
    file: "packages/agent/src/drain/reach.ts",
    text: `import { read } from "../tpm/read.ts"; export const x = read;`,
  },
  {
    rule: "domains-meet-at-their-index",
    what: "a domain's io uses another domain's io",
    file: "packages/agent/src/drain/io/reach.ts",
    text: `export * from "../../tpm/io/tool.ts";`,
  },
  {
    rule: "io-is-handed-in",
    what: "a decision imports its io instead of taking it as an argument",
    file: "packages/agent/src/tpm/decide.ts",
    text: `import { run, type Tool } from "./io/tool.ts"; export const x: Tool | typeof run = run;`,
  },
  {
    rule: "io-is-handed-in",
    what: "the same, put off until run time",
    file: "packages/agent/src/tpm/decide.ts",
    text: `export const x = async () => import("./io/tool.ts");`,
  },
  {
    rule: "outside-is-touched-in-io",
    what: "a decision starts a process",
    file: "packages/agent/src/tpm/decide.ts",
    text: `import { spawn } from "node:child_process"; export const x = spawn;`,
  },
  {
    rule: "outside-is-touched-in-io",
    what: "a decision makes requests",
    file: "packages/agent/src/tpm/decide.ts",
    text: `import { request } from "undici"; export const x = request;`,
  },
  {
    rule: "product-does-not-import-tests",
    what: "the product uses the test control plane",
    file: "packages/agent/src/tpm/check.ts",
    text: `import { kubectl } from "../../../../test/control-plane/kubectl.ts"; export const x = kubectl;`,
  },
  {
    rule: "tests-stay-with-tests",
    what: "a test uses a script",
    file: "packages/agent/test/unit/demo.test.ts",
    text: `import { demo } from "../../../../scripts/demo.ts"; export const x = demo;`,
  },
  {
    rule: "declared-dependencies-only",
    what: "the operator uses what only the agent declares",
    file: "packages/operator/src/rollout/io/ask.ts",
    text: `import { request } from "undici"; export const x = request;`,
  },
  {
    rule: "nothing-unresolvable",
    what: "an import leads nowhere",
    file: "packages/agent/src/tpm/lost.ts",
    text: `import { x } from "./gone.ts"; export const y = x;`,
  },
  {
    rule: "no-cycles",
    what: "two files need each other",
    file: "packages/agent/src/drain/index.ts",
    text: `import { flow } from "./drain.ts"; import "./again.ts"; export const drain = flow;`,
  },
  {
    rule: "no-vague-names",
    what: "a file is called helpers",
    file: "packages/agent/src/tpm/helpers.ts",
    text: `export const x = 1;`,
  },
  {
    rule: "no-vague-names",
    what: "a file of text is called string-utils",
    file: "packages/agent/src/tpm/string-utils.ts",
    text: `export const x = 1;`,
  },
  {
    rule: "no-vague-names",
    what: "a folder is called common",
    file: "test/common/start.ts",
    text: `export const x = 1;`,
  },
];

test("a sound tree has no violations, and is looked at", async () => {
  const { moduleCount, violations } = await checkLayers(root);
  expect(violations).toEqual([]);
  expect(moduleCount).toBeGreaterThanOrEqual(13);
});

describe("each rule bites", () => {
  test.each(WRONG)("$rule: $what", async ({ rule, file, text, also = [] }) => {
    write(file, text);
    if (rule === "no-cycles") write("packages/agent/src/drain/again.ts", `import "./index.ts"; export const x = 1;`);
    const { violations } = await checkLayers(root);
    expect([...new Set(violations.map((violation) => violation.rule))].sort()).toEqual([rule, ...also].sort());
  });

  test("and none is left out here", async () => {
    expect(new Set(WRONG.map(({ rule }) => rule))).toEqual(new Set(await ruleNames()));
  });
});

/** Completions in real shells, and the manual page as mandoc reads it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { SUMMARIES } from "../../src/summaries.ts";
import { rosAgent, startProgram } from "./ros-agent.ts";

/** Calls what bash would call; it gives each word as an argument, and "=" as one of its own. */
const ASK_BASH = `set -u; source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ros_agent; printf '%s\\n' "\${COMPREPLY[@]}"`;

/** Types a line into an interactive zsh, asks for the list, and prints what it shows until the expected word. */
const ASK_ZSH = `zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PS1=; fpath=($1 \\$fpath); autoload -Uz compinit; compinit -u -D; bindkey '^I' list-choices; stty cols 200; echo READY"
zpty -r -m z out '*READY*READY*' || exit
zpty -w -n z "$2"$'\\t'
zpty -r -m z out "*$3*" || exit
print -r -- "$out"
zpty -d z`;

const WORDS = [...new Set(Object.keys(SUMMARIES).map((name) => name.split(" ")[0] ?? ""))];

let folder = "";
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "completion-"));
  mkdirSync(path.join(folder, "files"));
  for (const name of ["a file.yaml", "another.yaml"]) writeFileSync(path.join(folder, "files", name), "");
  const [bash, zsh, man] = await Promise.all([
    rosAgent(["completion", "bash"]),
    rosAgent(["completion", "zsh"]),
    rosAgent(["man"]),
  ]);
  writeFileSync(path.join(folder, "ros-agent.bash"), bash.stdout);
  mkdirSync(path.join(folder, "functions"));
  writeFileSync(path.join(folder, "functions/_ros-agent"), zsh.stdout);
  writeFileSync(path.join(folder, "ros-agent.1"), man.stdout);
});
afterAll(() => rmSync(folder, { recursive: true }));

async function bashOffers(words: readonly string[]): Promise<readonly string[]> {
  const script = path.join(folder, "ros-agent.bash");
  const { stderr, stdout } = await startProgram(["bash", "-c", ASK_BASH, "bash", script, "ros-agent", ...words])
    .outcome;
  expect(stderr).toBe("");
  return stdout.split("\n").filter((line) => line !== "");
}

describe("in bash", () => {
  it.each([
    { words: [""], offers: ["help", ...WORDS] },
    { words: ["get-t"], offers: ["get-tpm-hash"] },
    { words: ["config", ""], offers: ["apply", "runcmd", "show", "validate"] },
    { words: ["config", "apply", "--tool", "n"], offers: ["native"] },
    { words: ["get-tpm-hash", "--ek", ""], offers: ["rsa2048", "rsa3072", "ecc-p256"] },
    { words: ["get-tpm-hash", "--ek", "="], offers: ["rsa2048", "rsa3072", "ecc-p256"] },
    { words: ["get-tpm-hash", "--ek", "=", "e"], offers: ["ecc-p256"] },
    { words: ["get-tpm-hash", "--j"], offers: ["--json"] },
    { words: ["get-tpm-hash", "--tcti", ""], offers: [] },
    { words: ["completion", ""], offers: ["bash", "zsh"] },
    { words: ["help", "exit"], offers: ["exit-codes"] },
    { words: ["register", "--", "--"], offers: [] },
    { words: ["no-such-command", "--"], offers: [] },
  ])("$words", async ({ words, offers }) => {
    expect([...(await bashOffers(words))].sort()).toEqual([...offers].sort());
  });

  it("lists files, also those with blanks, where a flag or an argument wants one", async () => {
    const begin = path.join(folder, "files/a");
    const files = [`${begin} file.yaml`, `${begin}nother.yaml`];
    expect([...(await bashOffers(["register", "--ca-cert", begin]))].sort()).toEqual(files);
    expect([...(await bashOffers(["config", "validate", begin]))].sort()).toEqual(files);
    expect(await bashOffers(["abort", "--state-folder", path.join(folder, "fi")])).toEqual([
      path.join(folder, "files"),
    ]);
  });
});

describe("in zsh", () => {
  it.each([
    ["ros-agent re", "report"],
    ["ros-agent config ", "validate"],
    ["ros-agent config apply --to", "--tool"],
    ["ros-agent get-tpm-hash --ek=", "ecc-p256"],
    ["ros-agent help dra", "drain"],
  ])("%s offers %s", async (line, expected) => {
    const command = ["zsh", "-f", "-c", ASK_ZSH, "zsh", path.join(folder, "functions"), line, expected];
    const { code, stdout } = await startProgram(command).outcome;
    expect(code).toBe(0);
    expect(stdout).toContain(expected);
  });
});

describe("the manual page", () => {
  it("has no fault that mandoc finds but that it has no date, by which two builds would differ", async () => {
    const { stdout } = await startProgram(["mandoc", "-Tlint", "-Wwarning", path.join(folder, "ros-agent.1")]).outcome;
    expect(stdout.trimEnd().split("\n")).toEqual([expect.stringMatching(/missing date, using "": TH$/)]);
  });

  it("tells of each command, in words that can be pasted", async () => {
    const { stdout } = await startProgram(["mandoc", "-Tascii", path.join(folder, "ros-agent.1")]).outcome;
    // Bold is a letter over itself.
    const parts = stdout.split("\b");
    const page = parts.map((part, index) => (index < parts.length - 1 ? part.slice(0, -1) : part)).join("");
    for (const name of Object.keys(SUMMARIES)) expect(page).toContain(`ros-agent ${name}`);
    expect(page).toContain("--state-folder FOLDER");
    expect(page).toMatch(/^ +130 {2,}broken off/m);
  });
});

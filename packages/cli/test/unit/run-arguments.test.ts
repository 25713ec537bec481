/** The service's own reading of its command line, held against oclif's. */
import { parse } from "@oclif/core/parser";
import { describe, expect, it } from "vitest";

import { Random } from "../../../../test/fuzz/random.ts";
import { Run } from "../../src/commands/run.ts";
import { runArguments } from "../../src/run-arguments.ts";

const INPUT = { args: Run.args, flags: { ...Run.baseFlags, ...Run.flags } };

async function byOclif(args: readonly string[]): Promise<unknown> {
  try {
    const { flags, args: found } = await parse([...args], INPUT);
    return { url: found.url as unknown, flags: { ...flags, json: undefined } };
  } catch {
    return "refused";
  }
}

/** Every field, as both leave out others of those that are not given. */
function plain({ url, flags }: { readonly url: unknown; readonly flags: Readonly<Record<string, unknown>> }): unknown {
  const names = Object.keys(Run.flags);
  return { url, flags: Object.fromEntries(names.map((name) => [name, flags[name] ?? false])) };
}

describe("the command line of the service", () => {
  it("that its unit has, and others of each flag, is read without oclif", () => {
    const urls = ["https://rancher.example.com"];
    expect(runArguments(["--config", "/oem/99_custom.yaml"])?.flags.config).toBe("/oem/99_custom.yaml");
    for (const [name, flag] of Object.entries({ ...Run.flags, ...Run.baseFlags })) {
      const value = flag.type === "boolean" ? [] : [flag.options?.[0] ?? "x"];
      expect(runArguments([...urls, `--${name}`, ...value]), name).toBeDefined();
    }
  });

  it("is read as oclif reads it, or left to oclif", async () => {
    const seed = Date.now() % 1_000_000;
    const random = new Random(seed, 0);
    const names = ["json", "nonsense", ...Object.keys(Run.flags)] as const;
    const words = [
      "https://a.example",
      "rsa2048",
      "podman",
      "1m",
      "a=b",
      "",
      "-",
      "--",
      "-x",
      "--no-smbios=true",
      "x y",
    ] as const;
    let read = 0;
    for (let round = 0; round < 400; round++) {
      const args = Array.from({ length: random.below(5) }, () => {
        const [name, word] = [random.pick(names), random.pick(words)];
        return random.pick([[`--${name}`], [`--${name}=${word}`], [`--${name}`, word], [word]]);
      }).flat();
      const ours = runArguments(args);
      if (ours === undefined) continue;
      read++;
      const theirs = await byOclif(args);
      expect(theirs, `seed ${seed}: ${JSON.stringify(args)}`).not.toBe("refused");
      expect(plain(ours as never), `seed ${seed}: ${JSON.stringify(args)}`).toEqual(plain(theirs as never));
    }
    expect(read).toBeGreaterThan(20);
  });
});

/** The service's own reading of its command line, held against oclif's. */
import { parse } from "@oclif/core/parser";
import { describe, expect, it } from "vitest";

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
    let state = seed;
    const random = (below: number): number => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((state / 2_147_483_648) * below);
    };
    const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;
    const names = [...Object.keys(Run.flags), "json", "nonsense"];
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
    ];
    let read = 0;
    for (let round = 0; round < 400; round++) {
      const args = Array.from({ length: random(5) }, () => {
        const name = pick(names);
        return pick([[`--${name}`], [`--${name}=${pick(words)}`], [`--${name}`, pick(words)], [pick(words)]]);
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

/** rancherd's file and the record of what is ours in it: two files, between which the power may go. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { FoundFile, NewFile } from "../../../src/files/index.ts";
import { parseGoYaml } from "../../../src/rancherd/go-yaml.ts";
import { JOIN_RECORD_PLACE, writeRancherdConfig } from "../../../src/rancherd/write-config.ts";

const CONFIG = "/etc/rancher/rancherd/config.yaml";

class PowerCut extends Error {}

/** A disk whose power goes before the write of that number. */
function disk(theirs: string | undefined) {
  const texts = new Map<string, string>(theirs === undefined ? [] : [[CONFIG, theirs]]);
  let writesLeft = Infinity;
  const found = (text: string): FoundFile => ({ content: Buffer.from(text), mode: 0o600, uid: 0, gid: 0, names: 1 });
  return {
    texts,
    cutBefore: (write: number) => (writesLeft = write),
    read: async (path: string) => {
      const text = texts.get(path);
      return text === undefined ? undefined : found(text);
    },
    replace: async ({ path, content }: NewFile) => {
      if (writesLeft-- <= 0) throw new PowerCut();
      texts.set(path, content.toString());
    },
  };
}

const answers = fc.record(
  {
    role: fc.constantFrom("server", "agent"),
    labels: fc.uniqueArray(fc.constantFrom("a=b", "c=d", "e=f")),
    extraConfig: fc.record({ x: fc.constantFrom(1, 2) }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);

function valuesOf(texts: ReadonlyMap<string, string>): unknown {
  const parsed: unknown = parseGoYaml(texts.get(CONFIG) ?? "{}");
  const found = typeof parsed === "object" ? parsed : {};
  const values: Readonly<Record<string, unknown>> = { labels: [], extraConfig: {}, ...found };
  return { ...values, labels: new Set(Array.isArray(values["labels"]) ? values["labels"] : []) };
}

describe("a power cut while a registration's answer is written for rancherd", () => {
  it("at any write costs nothing: the same answer again in the end leaves what it leaves without a cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.option(fc.constant("labels: [mine=1]\n"), { nil: undefined }),
        answers,
        answers,
        fc.nat(3),
        async (theirs, first, second, write) => {
          const [clean, cut] = [disk(theirs), disk(theirs)];
          for (const one of [clean, cut]) await writeRancherdConfig(one, first, { dryRun: false });
          cut.cutBefore(write);
          await writeRancherdConfig(cut, second, { dryRun: false }).catch((error: unknown) =>
            expect(error).toBeInstanceOf(PowerCut),
          );
          cut.cutBefore(Infinity);
          // An empty map, which comes where another was taken back, is known as ours the next time only.
          for (const one of [clean, clean, clean, cut, cut, cut])
            await writeRancherdConfig(one, second, { dryRun: false });
          expect(cut.texts).toEqual(clean.texts);
        },
      ),
    );
  });

  it("leaves what is ours to be replaced and taken back by the next answer", async () => {
    await fc.assert(
      fc.asyncProperty(answers, answers, answers, fc.nat(3), async (first, second, third, write) => {
        const [clean, cut] = [disk("labels: [mine=1]\n"), disk("labels: [mine=1]\n")];
        for (const one of [clean, cut]) await writeRancherdConfig(one, first, { dryRun: false });
        for (const answer of [second, third]) await writeRancherdConfig(clean, answer, { dryRun: false });
        cut.cutBefore(write);
        await writeRancherdConfig(cut, second, { dryRun: false }).catch((error: unknown) =>
          expect(error).toBeInstanceOf(PowerCut),
        );
        cut.cutBefore(Infinity);
        await writeRancherdConfig(cut, third, { dryRun: false });
        expect(valuesOf(cut.texts)).toEqual(valuesOf(clean.texts));
      }),
    );
  });

  it("is told apart by no reader of the record: it has hashes and no values", async () => {
    const one = disk(undefined);
    one.cutBefore(1);
    await writeRancherdConfig(one, { token: "a-secret", labels: ["a-secret"] }, { dryRun: false }).catch(
      () => undefined,
    );
    expect(one.texts.get(JOIN_RECORD_PLACE)).toMatch(/"\[\\"token\\"\]"/);
    expect(one.texts.get(JOIN_RECORD_PLACE)).not.toContain("a-secret");
  });
});

/** Merging as rancherd does: held against what wrangler, which it uses for that, has made of the same files. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

import { collectConfig, plainValue, type ConfigFiles } from "../../../src/rancherd/index.ts";

interface Vector {
  readonly name: string;
  readonly layers: readonly string[];
  readonly merged?: unknown;
  readonly failed?: number;
}

const VECTORS = JSON.parse(
  readFileSync(new URL("../../../testdata/rancherd/merges.json", import.meta.url), "utf8"),
) as readonly Vector[];

/** One file after the other, as drop-ins of the last place: where one cannot be read, that is fatal. */
function layered(layers: readonly string[]): ConfigFiles {
  const place = "/etc/rancher/rancherd/config.yaml";
  const name = (index: number): string => `${String(index).padStart(3, "0")}.yaml`;
  const files = new Map(layers.map((text, index) => [`${place}.d/${name(index)}`, text]));
  return {
    readFile: async (path) => {
      const text = files.get(path);
      return text === undefined ? { kind: "missing" } : { kind: "file", text };
    },
    listFolder: async (path) =>
      path === `${place}.d` ? layers.map((_text, index) => ({ name: name(index), isFolder: false })) : undefined,
  };
}

describe("a merged configuration", () => {
  it.each(VECTORS)("is wrangler's: $name", async ({ layers, merged, failed }) => {
    const { config, skipped } = await collectConfig(layered(layers));
    if (failed === undefined) {
      expect(skipped).toEqual([]);
      expect(plainValue(config)).toEqual(merged ?? {});
    } else {
      expect(skipped).toMatchObject([{ path: "/etc/rancher/rancherd/config.yaml", fatal: true }]);
    }
  });
});

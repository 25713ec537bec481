/** Partitions as sfdisk makes them, on disks that would have them elsewhere. */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { makeDisk } from "../../../../../test/disks/index.ts";
import { neededBytes, planLayout, sfdiskScript } from "../../../src/install/disk-layout.ts";
import { divideDisk } from "../../../src/install/io/target-disk.ts";
import { parseTable, type PartitionTable } from "../../../src/install/parse-table.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const WISH = { slotBytes: undefined, systemBytes: 0 };
const PROGRAMS = { env: { ...process.env, PATH: "/usr/sbin:/sbin:/usr/bin:/bin" }, encoding: "utf8" } as const;

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "divided-disk-"));
});

afterEach(() => rmSync(home, { recursive: true }));

/** Of a plan whose partitions lie without a gap from the first MiB on. */
function expectPlanned(table: PartitionTable, sizes: readonly number[]): void {
  let startBytes = MIB;
  for (const [at, sizeBytes] of sizes.entries()) {
    expect(table.partitions[at]).toMatchObject({ startBytes, sizeBytes });
    startBytes += sizeBytes;
  }
}

describe("a disk is divided as planned", () => {
  // What libfdisk takes from such a disk, and would align to: of RAIDs, of LUNs, of disks behind bridges.
  it.each([512, 65_536, 1_310_720, 2_097_152, 4_194_304, 8_388_608, 33_553_920])(
    "where %i bytes are the best length of a transfer",
    (grain) => {
      for (const sizeBytes of [neededBytes(WISH), 64 * GIB]) {
        const file = join(home, `${sizeBytes}.img`);
        writeFileSync(file, "");
        truncateSync(file, sizeBytes);
        const layout = planLayout(sizeBytes, WISH, randomUUID);
        const input = sfdiskScript(layout, 512).replace("label: gpt\n", `label: gpt\ngrain: ${grain}\n`);
        execFileSync("sfdisk", ["--quiet", file], { ...PROGRAMS, input });
        const table = parseTable(execFileSync("sfdisk", ["--json", file], PROGRAMS), layout);
        expectPlanned(
          table,
          layout.partitions.map((one) => one.sizeBytes),
        );
      }
    },
  );

  it.each([512, 4096])("with sectors of %i bytes, also where it is just large enough", async (sectorBytes) => {
    const sizeBytes = neededBytes(WISH);
    const disk = makeDisk(home, sizeBytes, { sectorBytes });
    try {
      const layout = planLayout(sizeBytes, WISH, randomUUID);
      const { table } = await divideDisk(disk.device, layout);
      expectPlanned(
        table,
        layout.partitions.map((one) => one.sizeBytes),
      );
    } finally {
      disk.remove();
    }
  });
});

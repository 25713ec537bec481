/** What a machine says of itself over its agent's life. */
import { describe, expect, it } from "vitest";
import { HardwareError, type Hardware } from "@rancheros/agent/hardware";

import { startReport } from "../../src/own-report.ts";

const HARDWARE: Hardware = {
  cpu: {
    manufacturer: undefined,
    model: undefined,
    sockets: undefined,
    physicalCores: undefined,
    logicalCores: 2,
    maxSpeedMhz: undefined,
  },
  memory: { totalBytes: 1024, swapBytes: 0 },
  disks: [],
  networkInterfaces: [],
};
const TOLD = { cpu: { logicalCores: "2" }, memory: { totalBytes: "1024" } };

describe("the report of a machine whose hardware is not told at first", () => {
  it("has it once the system tells it, and asks less and less often until then and never after", async () => {
    let nowMs = 0;
    let asked = 0;
    const remarks: string[] = [];
    const read = startReport(
      {
        smbios: undefined,
        withHardware: true,
        hostRoot: "/",
        labels: {},
        annotations: {},
        signal: new AbortController().signal,
        remark: (text) => remarks.push(text),
      },
      {
        nowMs: () => nowMs,
        random: () => 1,
        readHardware: () => {
          asked += 1;
          if (asked < 4) return Promise.reject(new HardwareError("HARDWARE_TIMED_OUT", "not in time"));
          return Promise.resolve(HARDWARE);
        },
      },
    );
    const askedAt: number[] = [];
    for (; nowMs < 20 * 60_000; nowMs += 10_000) {
      const before = asked;
      // Two at once ask once.
      const [{ hardware }] = await Promise.all([read(), read()]);
      if (asked > before) askedAt.push(nowMs / 60_000);
      if (asked < 4) expect(hardware).toBeUndefined();
      else expect(hardware).toMatchObject(TOLD);
    }
    expect(asked).toBe(4);
    expect(askedAt).toEqual([1, 3, 7]);
    expect(remarks).toHaveLength(3);
  });
});

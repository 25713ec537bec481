/** Five hundred hostile connections are held, and fifty honest machines register all the same. */
import { readFileSync } from "node:fs";
import { beforeAll, expect, inject, it } from "vitest";
import { gather } from "../../hostile/load/crowd.ts";
import { registerAll } from "../../hostile/load/honest.ts";
import { listInventories } from "../../operator/objects.ts";
import { useOperator } from "../../operator/use-operator.ts";
import { createSoftwareTpm, generateAttestationKey } from "../../software-tpm/index.ts";

const HOSTILE = 500;
const HONEST = 50;
/** What 500 connections may cost more than none; each is a socket, its buffers and a timer. */
const GROWTH_LIMIT_MB = 120;
const target = inject("controlPlane");
const used = useOperator(target, "load");
let url: string;

beforeAll(async () => {
  url = used.legacyUrl((await used.makeDoor("door")).token);
});

function residentMb(): number {
  const status = readFileSync(`/proc/${used.operator.pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

it("all honest machines come in, and memory stays bounded", { timeout: 120_000 }, async () => {
  const ak = generateAttestationKey("rsa");
  const tpms = Array.from({ length: HONEST }, () => createSoftwareTpm({ ak }));
  // What is compiled by the first visits is not the crowd's.
  await registerAll(
    url,
    Array.from({ length: 10 }, () => createSoftwareTpm({ ak })),
    5,
  );
  const before = residentMb();
  const crowd = gather({ url, count: HOSTILE });
  try {
    await crowd.gathered();
    const run = await registerAll(url, tpms, 10);
    console.log(
      `${run.registered} machines in ${Math.round(run.durationMs)} ms beside ${JSON.stringify(crowd.open())}`,
    );
    expect(run.registered).toBe(HONEST);
    // Each kind is there: else nothing was tried.
    for (const open of Object.values(crowd.open())) expect(open).toBeGreaterThan(HOSTILE / 5);
    expect(residentMb() - before).toBeLessThan(GROWTH_LIMIT_MB);
  } finally {
    await crowd.leave();
  }
  expect(await listInventories(target, used.namespace)).toHaveLength(HONEST + 10);
});

/**
 * Loaded before a program (`--import=.../scaled-clock.mjs?epoch=MS&factor=N`): its clocks and timers then run so many times
 * as fast. What Node counts by itself, such as the time-outs of AbortSignal.timeout and of sockets, stays as it is, and so
 * does performance.now: by it the operator judges the API server, whose clock is the real one.
 * With `&ahead=MS` they are ahead of the real clock by so much from the beginning, or behind where that is below 0.
 * With `&changes=FILE` the pace changes at SIGUSR2, as the file says (a Stretch as JSON); timers that run keep theirs.
 */
import { readFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers";
import timersPromises from "node:timers/promises";
import { ChangingTime, type Stretch } from "./changing-time.ts";

const { searchParams } = new URL(import.meta.url);
const epochMs = Number(searchParams.get("epoch"));
const firstFactor = Number(searchParams.get("factor"));
if (!Number.isFinite(epochMs) || !(firstFactor >= 1)) throw new Error("scaled-clock.mjs?epoch=MS&factor=N");

const RealDate = Date;
const realNowMs = Date.now;
const aheadMs = Number(searchParams.get("ahead"));
const time = new ChangingTime({ realMs: epochMs, scaledMs: epochMs + aheadMs, factor: firstFactor });
const changes = searchParams.get("changes");
if (changes !== null) process.on("SIGUSR2", () => time.add(JSON.parse(readFileSync(changes, "utf8")) as Stretch));

function nowMs(): number {
  return Math.round(time.at(realNowMs()));
}

function realDelay(delayMs: number | undefined): number {
  return (delayMs ?? 1) / time.factorAt(realNowMs());
}

// A proxy keeps instanceof, parse and UTC as they are.
const ScaledDate = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [nowMs()] : args, newTarget) as object,
  get: (target, key) => (key === "now" ? nowMs : (Reflect.get(target, key) as unknown)),
});
Reflect.set(globalThis, "Date", ScaledDate);

for (const name of ["setTimeout", "setInterval"] as const) {
  const real = timers[name];
  const scaled = (run: (...rest: unknown[]) => void, delayMs?: number, ...rest: unknown[]): NodeJS.Timeout =>
    real(run, realDelay(delayMs), ...rest);
  Reflect.set(globalThis, name, scaled);
  Reflect.set(timers, name, scaled);
}
const realSleep = timersPromises.setTimeout;
Reflect.set(timersPromises, "setTimeout", (delayMs?: number, ...rest: [unknown?, { signal?: AbortSignal }?]) =>
  realSleep(realDelay(delayMs), ...rest),
);
syncBuiltinESMExports();

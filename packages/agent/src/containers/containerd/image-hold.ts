/**
 * Keeps what has come of an image until all of it is there.
 *
 * containerd gives up what it has loaded, whole layers too, as soon as the pull that loaded it ends before its end: that
 * pull's own lease goes with it. So all of it is held by a lease of this program as well, from before it comes.
 */
import type { ImageDescription } from "../../images/index.ts";
import { toolFailure } from "../tool-failure.ts";
import type { ContainerdApi, LeasedResource } from "./containerd-api.ts";
import { saysNotFound } from "./ctr-answers.ts";
import { SLOW_TIMEOUT_MS, type Ctr } from "./ctr.ts";

/** Each pull begins it anew; when nobody pulls or cleans up any more, the disk is the node's again. */
const HELD_HOURS = 72;

/**
 * @param name  of the lease, with a number behind it: the next one is there before the last one goes
 * @throws ContainerError
 */
export async function holdImage(
  ctr: Ctr,
  api: ContainerdApi,
  { name, description, signal }: { name: string; description: ImageDescription; signal: AbortSignal },
): Promise<void> {
  const earlier = await leasesOf(ctr, name);
  const id = nextLease(name, earlier);
  const what = `making the lease ${id}`;
  await ctr.text(["leases", "create", "--id", id, "--expires", `${HELD_HOURS}h`], { what });
  await api.addToLease(id, heldBy(description), signal);
  await removeLeases(ctr, earlier);
}

/**
 * The image is there, or nobody wants it any more.
 * @param andCollect  waits until what nothing else needs is gone
 * @throws ContainerError
 */
export async function releaseImage(ctr: Ctr, name: string, { andCollect }: { andCollect: boolean }): Promise<void> {
  await removeLeases(ctr, await leasesOf(ctr, name), andCollect);
}

/** Under which containerd notes what is half there of it. Source: containerd core/remotes/handlers.go, MakeRefKey */
export function ingestsOf({ manifests, config, layers }: ImageDescription): readonly string[] {
  const small = [...manifests.keys()].flatMap((digest) => [`manifest-${digest}`, `index-${digest}`]);
  return [...new Set([...layers.map(layerIngest), `config-${config.digest}`, ...small])];
}

/** Under which containerd notes a layer that is half there. */
export function layerIngest({ digest, refName }: ImageDescription["layers"][number]): string {
  return refName === undefined ? `layer-${digest}` : `layer-${refName}@${digest}`;
}

function heldBy({ manifests, config, layers }: ImageDescription): readonly LeasedResource[] {
  const whole = new Set([...manifests.keys(), config.digest, ...layers.map(({ digest }) => digest)]);
  const half = new Set(layers.map(layerIngest));
  return [
    ...[...whole].map((id) => ({ type: "content", id }) as const),
    ...[...half].map((id) => ({ type: "ingests", id }) as const),
  ];
}

/** @returns the one of the highest number last */
async function leasesOf(ctr: Ctr, name: string): Promise<readonly string[]> {
  const printed = await ctr.text(["leases", "ls", "--quiet"], { what: "listing leases" });
  const ids = printed.split("\n").map((line) => line.trim());
  const own = ids.filter((id) => numberOf(id, name) !== undefined);
  return own.toSorted((a, b) => (numberOf(a, name) ?? 0) - (numberOf(b, name) ?? 0));
}

export function nextLease(name: string, earlier: readonly string[]): string {
  return `${name}-${(numberOf(earlier.at(-1) ?? "", name) ?? 0) + 1}`;
}

/** Agents before this one used the name as it is. */
function numberOf(id: string, name: string): number | undefined {
  if (id === name) return 0;
  const number = id.startsWith(`${name}-`) ? id.slice(name.length + 1) : "";
  return /^[1-9]\d{0,8}$/.test(number) ? Number(number) : undefined;
}

async function removeLeases(ctr: Ctr, ids: readonly string[], andCollect = false): Promise<void> {
  for (const [at, id] of ids.entries()) {
    const sync = andCollect && at === ids.length - 1 ? ["--sync"] : [];
    const what = `removing the lease ${id}`;
    const outcome = await ctr.outcome(["leases", "delete", ...sync, id], { what, timeoutMs: SLOW_TIMEOUT_MS });
    if (outcome.kind === "ok" || (outcome.kind === "failed" && saysNotFound(outcome.stderr))) continue;
    throw toolFailure(what, outcome);
  }
}

/** Finds what runs containers on this node by looking for sockets and programs. */
import { ContainerError } from "./errors.ts";
import type { lookAt } from "./io/look-at.ts";
import type { ContainerRuntime, RuntimeIdentity, RuntimeKind } from "./runtime.ts";
import { RUNTIME_PLACES, type RuntimePlace } from "./runtime-places.ts";

export interface RuntimeChoice {
  /** Only this kind is looked for. */
  readonly kind?: RuntimeKind | undefined;
  /** Program and first arguments, in place of those that are looked for; needs `kind`. */
  readonly program?: readonly [string, ...string[]] | undefined;
  readonly socket?: string | undefined;
  readonly namespace?: string | undefined;
  readonly snapshotter?: string | undefined;
}

export interface FindRuntimeOptions {
  /** Where the host's / is seen; "/" on a real node. */
  readonly hostRoot: string;
  readonly choice?: RuntimeChoice;
  /** No other one is taken while this is installed here, and `choice` does not name another. */
  readonly held?: RuntimeIdentity | undefined;
}

/** One thing that was looked at. */
export interface Look {
  readonly path: string;
  /** "start": what starts a service with the machine. */
  readonly wanted: "socket" | "program" | "start" | "folder";
  readonly found: "yes" | "missing" | "not-a-socket" | "not-executable" | "not-permitted" | "unreadable";
}

export type RuntimeSearch =
  | { readonly kind: "found"; readonly runtime: ContainerRuntime; readonly looks: readonly Look[] }
  | { readonly kind: "missing"; readonly looks: readonly Look[] };

export interface FindRuntimeOutside {
  readonly lookAt: typeof lookAt;
}

/** @throws ContainerError CONTAINER_SPEC_INVALID for a choice that makes no sense */
export async function findRuntimeThrough(
  outside: FindRuntimeOutside,
  options: FindRuntimeOptions,
): Promise<RuntimeSearch> {
  const { hostRoot, choice = {}, held } = options;
  const looks: Look[] = [];
  const isThere: IsThere = async (path, wanted) => {
    const known = looks.find((look) => look.path === path && look.wanted === wanted);
    if (known !== undefined) return known.found === "yes";
    const found = await outside.lookAt(path, wanted, hostRoot);
    looks.push({ path, wanted, found });
    return found === "yes";
  };
  const places = placesFor(hostRoot, choice);
  const same = places.filter(({ kind, socket }) => kind === held?.kind && socket === held.socket);
  for (const place of same) {
    const runtime = await runtimeAt(place, choice, isThere);
    if (runtime !== undefined) return { kind: "found", runtime, looks };
  }
  for (const place of same) if (await isInstalled(place, isThere)) return { kind: "missing", looks };
  let awaited: RuntimePlace | undefined;
  for (const place of places) {
    // Whoever has the socket of the one that is awaited is that one, or runs in its place.
    if (awaited !== undefined && place.socket !== awaited.socket) break;
    const runtime = await runtimeAt(place, choice, isThere);
    if (runtime !== undefined) return { kind: "found", runtime, looks };
    // What comes after it would be taken only because this one starts later than the agent, or anew in this moment.
    if (choice.socket === undefined && (await isExpected(place, isThere))) awaited ??= place;
  }
  return { kind: "missing", looks };
}

type IsThere = (path: string, wanted: Look["wanted"]) => Promise<boolean>;

async function runtimeAt(
  place: RuntimePlace,
  { snapshotter }: RuntimeChoice,
  isThere: IsThere,
): Promise<ContainerRuntime | undefined> {
  const { kind, origin, socket, namespace } = place;
  if (socket !== undefined && !(await isThere(socket, "socket"))) return undefined;
  for (const program of place.programs) {
    if (await isThere(program[0], "program")) return { kind, origin, program, socket, namespace, snapshotter };
  }
  return undefined;
}

async function isInstalled({ programs, expected }: RuntimePlace, isThere: IsThere): Promise<boolean> {
  for (const [program] of programs) if (await isThere(program, "program")) return true;
  return isStarted(expected?.links ?? [], isThere);
}

async function isExpected({ expected }: RuntimePlace, isThere: IsThere): Promise<boolean> {
  if (expected === undefined || !(await isThere(expected.store, "folder"))) return false;
  if (expected.instead !== undefined && (await isThere(expected.instead, "socket"))) return false;
  return isStarted(expected.links, isThere);
}

async function isStarted(links: readonly string[], isThere: IsThere): Promise<boolean> {
  for (const link of links) if (await isThere(link, "start")) return true;
  return false;
}

function placesFor(hostRoot: string, choice: RuntimeChoice): readonly RuntimePlace[] {
  const below = (path: string): string => `${hostRoot.replace(/\/+$/, "")}${path}`;
  const expectedBelow = ({ links, store, instead }: NonNullable<RuntimePlace["expected"]>) => ({
    links: links.map(below),
    store: below(store),
    instead: instead === undefined ? undefined : below(instead),
  });
  const known = RUNTIME_PLACES.filter(({ kind }) => choice.kind === undefined || kind === choice.kind).map((place) => ({
    ...place,
    programs: place.programs.map(([path, ...args]) => [below(path), ...args] as const),
    socket: choice.socket ?? (place.socket === undefined ? undefined : below(place.socket)),
    namespace: place.namespace === undefined ? undefined : (choice.namespace ?? place.namespace),
    ...(place.expected === undefined ? {} : { expected: expectedBelow(place.expected) }),
  }));
  if (choice.program === undefined) return known;
  const { kind, program } = choice;
  if (kind === undefined) {
    throw new ContainerError("CONTAINER_SPEC_INVALID", "a container runtime's program is set without its kind");
  }
  // The place that has the socket tells socket and namespace where they are not set.
  return known.map((place) => ({ ...place, origin: "set" as const, programs: [program] }));
}

/** The error for a search without result, with all that was looked at. */
export function runtimeMissing(looks: readonly Look[]): ContainerError {
  const told = looks.map(({ path, found }) => `${path}: ${found}`).join(", ");
  const start = looks.find(({ wanted, found }) => wanted === "start" && found === "yes");
  const message =
    start === undefined
      ? "no container runtime was found on this node"
      : `the container runtime that ${start.path} starts with the machine is not there yet, and no other one is taken in its place unless --runtime names it`;
  return new ContainerError("CONTAINER_RUNTIME_MISSING", message, { details: { lookedAt: told } });
}

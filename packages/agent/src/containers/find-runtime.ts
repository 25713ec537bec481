/** Finds what runs containers on this node by looking for sockets and programs. */
import { ContainerError } from "./errors.ts";
import type { lookAt } from "./io/look-at.ts";
import type { ContainerRuntime, RuntimeKind } from "./runtime.ts";
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
}

/** One thing that was looked at. */
export interface Look {
  readonly path: string;
  readonly wanted: "socket" | "program";
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
  const { hostRoot, choice = {} } = options;
  const looks: Look[] = [];
  const isThere = async (path: string, wanted: Look["wanted"]): Promise<boolean> => {
    const known = looks.find((look) => look.path === path && look.wanted === wanted);
    if (known !== undefined) return known.found === "yes";
    const found = await outside.lookAt(path, wanted);
    looks.push({ path, wanted, found });
    return found === "yes";
  };
  for (const place of placesFor(hostRoot, choice)) {
    if (place.socket !== undefined && !(await isThere(place.socket, "socket"))) continue;
    for (const program of place.programs) {
      if (!(await isThere(program[0], "program"))) continue;
      const { kind, origin, socket, namespace } = place;
      const { snapshotter } = choice;
      return { kind: "found", runtime: { kind, origin, program, socket, namespace, snapshotter }, looks };
    }
  }
  return { kind: "missing", looks };
}

function placesFor(hostRoot: string, choice: RuntimeChoice): readonly RuntimePlace[] {
  const below = (path: string): string => `${hostRoot.replace(/\/+$/, "")}${path}`;
  const known = RUNTIME_PLACES.filter(({ kind }) => choice.kind === undefined || kind === choice.kind).map((place) => ({
    ...place,
    programs: place.programs.map(([path, ...args]) => [below(path), ...args] as const),
    socket: choice.socket ?? (place.socket === undefined ? undefined : below(place.socket)),
    namespace: place.namespace === undefined ? undefined : (choice.namespace ?? place.namespace),
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
  return new ContainerError("CONTAINER_RUNTIME_MISSING", "no container runtime was found on this node", {
    details: { lookedAt: told },
  });
}

/** What of a Kubernetes securityContext the node's runtimes can do; the rest is refused, not passed over. */
import type { SecurityContext } from "./container-spec.ts";
import { ContainerError } from "./errors.ts";

type Fields = Readonly<Record<string, unknown>>;

const KNOWN: ReadonlySet<string> = new Set([
  "privileged",
  "readOnlyRootFilesystem",
  "runAsUser",
  "runAsGroup",
  "capabilities",
  // Without these a container has what they would forbid; the container's own wish for less is passed over nowhere else.
  "allowPrivilegeEscalation",
  "runAsNonRoot",
]);

/**
 * @param told  as the plan has it; undefined for a privileged container
 * @throws ContainerError CONTAINER_SPEC_INVALID that names every bad field
 */
export function parseSecurityContext(told: Fields | undefined): SecurityContext {
  if (told === undefined) return { privileged: true };
  const problems: string[] = [];
  const problem = (field: string, why: string): undefined => {
    problems.push(`securityContext.${field}: ${why}`);
    return undefined;
  };
  for (const [field, value] of Object.entries(told)) {
    if (!KNOWN.has(field) && value !== undefined && value !== null) problem(field, "is not supported on nodes");
  }
  if (told["allowPrivilegeEscalation"] === false)
    problem("allowPrivilegeEscalation", "cannot be switched off on nodes");
  const boolean = (field: string): boolean | undefined => {
    const value = told[field] ?? undefined;
    return value === undefined || typeof value === "boolean" ? value : problem(field, "is neither true nor false");
  };
  const id = (field: string): number | undefined => {
    const value = told[field] ?? undefined;
    if (value === undefined) return undefined;
    const good = typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 2 ** 31;
    return good ? value : problem(field, "is no user or group");
  };
  const context = {
    privileged: boolean("privileged"),
    readOnlyRootFilesystem: boolean("readOnlyRootFilesystem"),
    runAsUser: id("runAsUser"),
    runAsGroup: id("runAsGroup"),
    capabilities: capabilities(told["capabilities"], problem),
  };
  if (boolean("runAsNonRoot") === true && (context.runAsUser ?? 0) === 0) problem("runAsNonRoot", "needs a runAsUser");
  if (problems.length === 0) return context;
  throw new ContainerError("CONTAINER_SPEC_INVALID", problems.join("; "), {
    details: { problems: problems.join("; ") },
  });
}

function capabilities(
  told: unknown,
  problem: (field: string, why: string) => undefined,
): SecurityContext["capabilities"] {
  if (told === undefined || told === null) return undefined;
  const value = told;
  if (typeof value !== "object") return problem("capabilities", "is not a table of names and values");
  const list = (field: "add" | "drop"): readonly string[] | undefined => {
    const names: unknown = field in value ? Reflect.get(value, field) : undefined;
    if (names === undefined || names === null) return undefined;
    if (Array.isArray(names) && names.every((name) => typeof name === "string")) return names;
    return problem(`capabilities.${field}`, "is not a list of texts");
  };
  return { add: list("add"), drop: list("drop") };
}

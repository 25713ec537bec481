/** envFrom: which ConfigMaps and Secrets become environment variables, and which variables. */
import type { Container } from "@rancheros/protocol/resources";
import { RolloutError } from "./errors.ts";

export interface EnvSource {
  readonly kind: "ConfigMap" | "Secret";
  readonly name: string;
  readonly prefix: string;
  readonly isOptional: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textAt(fields: Fields, key: string): string {
  const value = Object.hasOwn(fields, key) ? fields[key] : undefined;
  return typeof value === "string" ? value : "";
}

function sourceOf(entry: unknown, at: string): EnvSource {
  const fields = isFields(entry) ? entry : {};
  const refs = [
    ["ConfigMap", fields["configMapRef"]],
    ["Secret", fields["secretRef"]],
  ] as const;
  const given = refs.filter(([, ref]) => ref !== undefined && ref !== null);
  const [first] = given;
  const ref = first?.[1];
  if (given.length !== 1 || first === undefined || !isFields(ref) || textAt(ref, "name") === "") {
    throw new RolloutError("ROLLOUT_REFERENCE_INVALID", `${at}: needs either configMapRef.name or secretRef.name`);
  }
  return {
    kind: first[0],
    name: textAt(ref, "name"),
    prefix: textAt(fields, "prefix"),
    isOptional: ref["optional"] === true,
  };
}

/**
 * @param field  the container's path, for the sentence
 * @throws RolloutError  ROLLOUT_REFERENCE_INVALID
 * Source: Kubernetes core/v1 EnvFromSource
 */
export function envSources(container: Container | null | undefined, field: string): readonly EnvSource[] {
  return (container?.envFrom ?? []).map((entry, index) => sourceOf(entry, `${field}.envFrom[${index}]`));
}

/** No process takes these as names; Kubernetes lets them be as well. */
function isVariable(name: string): boolean {
  return name !== "" && !/[=\0]/.test(name);
}

/**
 * @param object  the ConfigMap or Secret, as the API server gives it
 * @returns       its keys as variables; values that are no text are left out, as no process takes them
 */
export function variablesOf(source: EnvSource, object: unknown): Readonly<Record<string, string>> {
  const data = isFields(object) && isFields(object["data"]) ? object["data"] : {};
  const variables = Object.entries(data).flatMap(([key, value]) => {
    if (typeof value !== "string") return [];
    const text = source.kind === "Secret" ? Buffer.from(value, "base64").toString("utf8") : value;
    const name = `${source.prefix}${key}`;
    return isVariable(name) && !text.includes("\0") ? [[name, text] as const] : [];
  });
  return Object.fromEntries(variables);
}

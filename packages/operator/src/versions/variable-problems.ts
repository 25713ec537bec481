/** Variables of containers that say where their value is to be found: only a Pod's are looked up there. */
import type { Container } from "@rancheros/protocol/resources";

/** The API server keeps fields that the schema does not name. */
function hasValueFrom(variable: object): boolean {
  const source: unknown = Object.hasOwn(variable, "valueFrom") ? Reflect.get(variable, "valueFrom") : undefined;
  return source !== undefined && source !== null;
}

/** @param at  the container's path  @returns one sentence for each variable that would be empty */
export function variableProblems(container: Container | null | undefined, at: string): readonly string[] {
  const { env, envs } = container ?? {};
  const field = env === undefined ? "envs" : "env";
  return (env ?? envs ?? []).flatMap((variable, index) =>
    hasValueFrom(variable)
      ? [`${at}.${field}[${index}].valueFrom: is not read, and ${variable.name} would be empty; use envFrom`]
      : [],
  );
}

/** Arguments that ctr and docker's command line have in common. */
import type { SecurityContext } from "./container-spec.ts";

/** @param capabilityName  as the program wants it, of one with or without CAP_ */
export function securityArguments(
  { privileged, readOnlyRootFilesystem, runAsUser, runAsGroup, capabilities }: SecurityContext,
  capabilityName: (name: string) => string,
): readonly string[] {
  const user = runAsGroup === undefined ? `${runAsUser}` : `${runAsUser}:${runAsGroup}`;
  return [
    ...(privileged === true ? ["--privileged"] : []),
    ...(readOnlyRootFilesystem === true ? ["--read-only"] : []),
    ...(runAsUser === undefined ? [] : ["--user", user]),
    ...(capabilities?.add ?? []).flatMap((name) => ["--cap-add", capabilityName(name)]),
    ...(capabilities?.drop ?? []).flatMap((name) => ["--cap-drop", capabilityName(name)]),
  ];
}

/** As the argument of --mount is read: a line of comma-separated values. */
export function commaSeparated(fields: readonly string[]): string {
  return fields.map((field) => (field.includes(",") ? `"${field}"` : field)).join(",");
}

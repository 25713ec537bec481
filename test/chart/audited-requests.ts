/** What some users asked of the API server, and whether they might, by the API server's own record. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { AskedRequest } from "./rules.ts";

export interface AuditedRequest extends AskedRequest {
  readonly user: string;
  readonly isAllowed: boolean;
}

/** @returns flags for kube-apiserver, and the path of the log that it will write */
export function auditUsers(
  folder: string,
  users: readonly string[],
): { readonly flags: readonly string[]; readonly logFile: string } {
  const policyFile = path.join(folder, "audit-policy.json");
  const logFile = path.join(folder, "audit.log");
  const policy = {
    apiVersion: "audit.k8s.io/v1",
    kind: "Policy",
    omitStages: ["RequestReceived"],
    rules: [{ level: "Metadata", users }, { level: "None" }],
  };
  writeFileSync(policyFile, JSON.stringify(policy), { mode: 0o600 });
  const flags = [`--audit-policy-file=${policyFile}`, `--audit-log-path=${logFile}`, "--audit-log-maxsize=100000"];
  return { flags, logFile };
}

interface AuditEvent {
  readonly user: { readonly username: string };
  readonly verb: string;
  readonly objectRef?: {
    readonly namespace?: string;
    readonly name?: string;
    readonly apiGroup?: string;
    readonly resource: string;
    readonly subresource?: string;
  };
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Those for objects; a request whose record is being written at this moment is left out. */
export function readAudited(logFile: string): readonly AuditedRequest[] {
  const lines = readFileSync(logFile, "utf8").split("\n").slice(0, -1);
  return lines.flatMap((line): readonly AuditedRequest[] => {
    const { user, verb, objectRef, annotations = {} } = JSON.parse(line) as AuditEvent;
    if (objectRef === undefined) return [];
    const { namespace = "", name = "", apiGroup = "", resource, subresource } = objectRef;
    return [
      {
        user: user.username,
        verb,
        namespace,
        name,
        group: apiGroup,
        resource: subresource === undefined ? resource : `${resource}/${subresource}`,
        isAllowed: annotations["authorization.k8s.io/decision"] === "allow",
      },
    ];
  });
}

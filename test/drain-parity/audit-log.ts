/** The API server's own record of who evicted and deleted which pod, and what came of it. */
import { createReadStream, writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import type { RemovalRequest } from "./outcome.ts";

/** @returns flags for kube-apiserver, and the path of the log that it will write */
export function auditRemovals(folder: string): { readonly flags: readonly string[]; readonly logFile: string } {
  const policyFile = path.join(folder, "audit-policy.json");
  const logFile = path.join(folder, "audit.log");
  const policy = {
    apiVersion: "audit.k8s.io/v1",
    kind: "Policy",
    omitStages: ["RequestReceived"],
    rules: [
      { level: "Request", verbs: ["create"], resources: [{ group: "", resources: ["pods/eviction"] }] },
      { level: "Request", verbs: ["delete"], resources: [{ group: "", resources: ["pods"] }] },
      { level: "None" },
    ],
  };
  writeFileSync(policyFile, JSON.stringify(policy), { mode: 0o600 });
  // One file, however much is written in a night.
  const flags = [`--audit-policy-file=${policyFile}`, `--audit-log-path=${logFile}`, "--audit-log-maxsize=100000"];
  return { flags, logFile };
}

interface AuditEvent {
  readonly user: { readonly username: string };
  readonly impersonatedUser?: { readonly username: string };
  readonly objectRef: { readonly namespace: string; readonly name: string; readonly subresource?: string };
  readonly responseStatus: { readonly code: number };
  readonly requestObject?: { readonly deleteOptions?: DeleteOptions } & DeleteOptions;
}

interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly dryRun?: readonly string[];
  readonly preconditions?: { readonly uid?: string };
}

/** By the user who asked; an impersonated one where it was on somebody's behalf. */
export async function readRemovals(logFile: string): Promise<ReadonlyMap<string, readonly RemovalRequest[]>> {
  const byUser = new Map<string, RemovalRequest[]>();
  for await (const line of createInterface({ input: createReadStream(logFile) })) addRemoval(byUser, line);
  return byUser;
}

/** @param line  of the log */
export function addRemoval(byUser: Map<string, RemovalRequest[]>, line: string): void {
  const { user, impersonatedUser, objectRef, responseStatus, requestObject = {} } = JSON.parse(line) as AuditEvent;
  const options = requestObject.deleteOptions ?? requestObject;
  const name = (impersonatedUser ?? user).username;
  const requests = byUser.get(name) ?? [];
  byUser.set(name, requests);
  requests.push({
    verb: objectRef.subresource === "eviction" ? "evict" : "delete",
    namespace: objectRef.namespace,
    pod: objectRef.name,
    gracePeriodSeconds: options.gracePeriodSeconds,
    dryRun: options.dryRun?.includes("All") === true,
    uid: options.preconditions?.uid,
    status: responseStatus.code,
  });
}

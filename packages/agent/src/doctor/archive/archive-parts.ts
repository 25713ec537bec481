/** What goes into a support archive: named field by field, so that nothing gets in because nobody thought of it. */
import { X509Certificate, createHash } from "node:crypto";

import type { BootCheckRecord, SlotStamp } from "../../slots/index.ts";
import { kernelWords } from "../../slots/index.ts";
import type { AgentState } from "../../upgrade/index.ts";
import type { Unit } from "../judge-services.ts";
import type { OperatorTarget } from "../operator-target.ts";
import type { DoctorReport } from "../verdict.ts";
import type { ArchivePart } from "./pack-archive.ts";
import { SHOWN_KERNEL_WORDS } from "./secret-values.ts";

export interface Versions {
  readonly version: string;
  readonly commit: string | undefined;
  readonly node: string;
  readonly platform: string;
}

export interface ArchiveFacts {
  readonly report: DoctorReport;
  /** The same for people. */
  readonly reportText: string;
  readonly versions: Versions;
  readonly kernel: string;
  readonly osRelease: string;
  readonly commandLine: string;
  readonly target: OperatorTarget;
  /** The address with its token shortened; undefined where there is none. */
  readonly operator: string | undefined;
  readonly registered: { readonly path: string; readonly savedMs: number } | undefined;
  readonly state: AgentState | undefined;
  /** Or why they are not told. */
  readonly slots: SlotRecord | string;
  readonly units: readonly Unit[] | undefined;
  /** By unit; undefined where they are left out, and why. */
  readonly journals: ReadonlyMap<string, string> | string;
  readonly nowMs: number;
}

export interface SlotRecord {
  readonly started: { readonly slot: string; readonly isTrial: boolean };
  /** Why the three that follow, the boot loader's words, could not be read; undefined where they could. */
  readonly wordsUnread: string | undefined;
  readonly good: string | undefined;
  readonly try: string | undefined;
  readonly reset: boolean | undefined;
  readonly running: SlotStamp | undefined;
  readonly other: SlotStamp | "none" | undefined;
  readonly bootCheck: BootCheckRecord | undefined;
}

/** Of /etc/os-release; the others may be anything. */
const OS_FIELDS = new Set([
  "NAME",
  "ID",
  "ID_LIKE",
  "VERSION",
  "VERSION_ID",
  "PRETTY_NAME",
  "IMAGE_ID",
  "IMAGE_VERSION",
  "BUILD_ID",
  "VARIANT_ID",
]);
export function archiveParts(facts: ArchiveFacts): readonly ArchivePart[] {
  const { report, reportText, versions, kernel, osRelease, commandLine, state, slots, units, journals, nowMs } = facts;
  const json = (path: string, value: unknown): ArchivePart => ({ path, kind: "json", value });
  const logs: readonly ArchivePart[] =
    typeof journals === "string"
      ? [{ path: "journal/LEFT-OUT.txt", kind: "text", text: `${journals}\n` }]
      : [...journals].map(([unit, text]) => ({ path: `journal/${unit}.txt`, kind: "text", text }));
  return [
    { path: "README.txt", kind: "text", text: README },
    json("report.json", { at: new Date(nowMs).toISOString(), ok: report.ok, checks: report.findings }),
    { path: "report.txt", kind: "text", text: reportText },
    json("versions.json", { ...versions, kernel, os: osFields(osRelease) }),
    json("kernel-command-line.json", kernelFields(commandLine)),
    json("registration.json", registrationFields(facts)),
    json("upgrades.json", state ?? "could not be read"),
    json("slots.json", slots),
    json("services.json", units ?? "systemd does not run here, or does not answer"),
    ...logs,
  ];
}

const README = `Made by \`ros-agent doctor --archive\`. Configurations, kubeconfigs and keys are not in here; what this machine knows as a secret was
looked for in every file and replaced by [removed], and so was what only looks like one. Look through it before you send it to somebody all the
same: names of hosts, addresses, images and messages of programs are in it.
`;

function osFields(text: string): Readonly<Record<string, string>> {
  const pairs = text.split("\n").flatMap((line) => {
    const [, name = "", value = ""] = /^([A-Z_]+)=["']?(.*?)["']?$/.exec(line.trim()) ?? [];
    return OS_FIELDS.has(name) ? [[name, value.slice(0, 200)] as const] : [];
  });
  return Object.fromEntries(pairs);
}

function kernelFields(commandLine: string): unknown {
  return kernelWords(commandLine.trim()).map(([name, value]) => {
    if (SHOWN_KERNEL_WORDS.has(name)) return value === undefined ? { name } : { name, value };
    return {
      name: /^[\w.-]{1,64}$/.test(name) ? name : "(no name)",
      value: value === undefined ? undefined : "(not shown)",
    };
  });
}

function registrationFields({ target, operator, registered }: ArchiveFacts): unknown {
  const saved =
    registered === undefined ? undefined : { path: registered.path, at: new Date(registered.savedMs).toISOString() };
  if (target.kind === "none") return { operator: undefined, because: target.because, saved };
  if (target.kind === "broken") return { operator: undefined, problem: target.error.code, saved };
  const { trust, allowHttp } = target.options;
  const certificates = trust.kind === "ca" ? fingerprints(trust.pem) : undefined;
  return { operator, from: target.from, allowHttp, trust: trust.kind, certificates, saved };
}

function fingerprints(pem: string): readonly string[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => {
    try {
      return createHash("sha256").update(new X509Certificate(block).raw).digest("hex");
    } catch {
      return "no certificate";
    }
  });
}

/** What a machine says of itself, made to fit into a request. */
import {
  REQUEST_MAX_BYTES,
  writeMachineReport,
  type MachineNode,
  type MachineReport,
} from "@rancheros/protocol/attestation";
import type { SmbiosNode, SmbiosTree } from "@rancheros/protocol/messages";

import type { Hardware, NetworkInterface } from "../hardware/index.ts";
import { smbiosForHeader, type Smbios } from "../smbios/index.ts";

/** Protocol's own words around the report: field names, version, proof. */
const ENVELOPE_BYTES = 256;
/** `"smbios":,` in base64, and the rounding of base64 on both sides. */
const SMBIOS_FIELD_BYTES = 24;
/** `{}` in base64. */
const EMPTY_TREE_BYTES = 4;
/** Of each list in the hardware: a server with more disks tells of the first ones. */
const MAX_LISTED = 64;
const MAX_TEXT = 253;

/** What the operating system knows, apart from SMBIOS and hardware. */
export interface MachineFacts {
  readonly hostname: string;
  /** Without loopback and link-local ones. */
  readonly addresses: readonly string[];
  /** Content of os-release; empty where there is none. */
  readonly osRelease: string;
}

/** A report whose SMBIOS can be cut by its sections. */
export interface OwnReport extends Omit<MachineReport, "smbios"> {
  readonly smbios: Smbios | undefined;
}

export interface ReportParts {
  readonly smbios: Smbios | undefined;
  readonly hardware: Hardware | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly facts: MachineFacts;
  readonly agentVersion: string;
  /** Undefined where the machine is no Kubernetes node, or cannot ask. */
  readonly node: MachineNode | undefined;
}

export function machineReport(parts: ReportParts): OwnReport {
  const { smbios, hardware, labels, annotations, facts, agentVersion, node } = parts;
  return {
    smbios,
    hardware: hardware === undefined ? undefined : hardwareTree(hardware),
    labels,
    annotations,
    addresses: addressesOf(facts),
    os: operatingSystem(facts.osRelease),
    agentVersion,
    node,
  };
}

/**
 * Hardware as text only: what is unknown is left out, lists are bounded. Network interfaces with a default route come
 * first, then cards, then what the kernel made up: a node has an interface for each of its pods.
 */
export function hardwareTree(hardware: Hardware): SmbiosTree {
  const { cpu, memory, disks, networkInterfaces } = hardware;
  return {
    cpu: textsOf(cpu),
    memory: textsOf(memory),
    disks: disks.slice(0, MAX_LISTED).map((disk) => textsOf(disk)),
    networkInterfaces: networkInterfaces
      .toSorted((one, other) => rankOf(one) - rankOf(other))
      .slice(0, MAX_LISTED)
      .map((one) => textsOf(one)),
  };
}

function rankOf(one: NetworkInterface): number {
  return one.default ? 0 : one.virtual ? 2 : 1;
}

function textsOf(part: object): SmbiosNode {
  const known = Object.entries(part).filter(([, value]) => value !== undefined && value !== "");
  return Object.fromEntries(known.map(([key, value]) => [key, plain(String(value))]));
}

function plain(text: string): string {
  return text.toWellFormed().slice(0, MAX_TEXT).toWellFormed();
}

function addressesOf({ hostname, addresses }: MachineFacts): MachineReport["addresses"] {
  const named = [
    { type: "Hostname", address: plain(hostname) },
    ...addresses.map((address) => ({ type: "InternalIP", address })),
  ];
  return named.filter(({ address }) => address !== "").slice(0, MAX_LISTED);
}

/** Source: os-release(5): NAME=value lines, quoted as in a shell */
export function operatingSystem(osRelease: string): MachineReport["os"] {
  const entries = osRelease.split("\n").flatMap((line) => {
    const match = /^([A-Z][A-Z0-9_]*)=(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S*))\s*$/.exec(line);
    return match === null
      ? []
      : [[match[1] ?? "", (match[2] ?? match[3] ?? match[4] ?? "").replaceAll(/\\(.)/g, "$1")] as const];
  });
  const told = new Map(entries);
  const text = (key: string): string => plain(told.get(key) ?? "");
  const name = text("NAME") || text("PRETTY_NAME");
  if (name === "") return undefined;
  return { name, version: text("VERSION") || text("VERSION_ID"), image: text("IMAGE_TAG") || text("IMAGE_VERSION") };
}

/**
 * The report for the answer to a challenge.
 * @param stateBytes  of the server's sealed state, which goes back in the same request
 */
export function answerReportBytes(report: OwnReport, stateBytes: number): Buffer {
  return fitReport(report, REQUEST_MAX_BYTES - ENVELOPE_BYTES - base64Bytes(stateBytes));
}

/** The report for a request of its own, which is no base64: smaller than it could be, and so hardly another one. */
export function reportBytes(report: OwnReport): Buffer {
  return fitReport(report, REQUEST_MAX_BYTES);
}

/** SMBIOS is cut first, section by section, as for a header; then the hardware goes. */
function fitReport(report: OwnReport, maxBase64Bytes: number): Buffer {
  for (const hardware of report.hardware === undefined ? [undefined] : [report.hardware, undefined]) {
    const rest = { ...report, hardware, smbios: undefined };
    const leftBytes = maxBase64Bytes - base64Bytes(writeMachineReport(rest).length) - SMBIOS_FIELD_BYTES;
    if (leftBytes < 0) continue;
    if (report.smbios === undefined || leftBytes < EMPTY_TREE_BYTES) return writeMachineReport(rest);
    return writeMachineReport({ ...rest, smbios: smbiosForHeader(report.smbios, leftBytes) });
  }
  // Labels and annotations alone: the command line bounds them.
  return writeMachineReport({ ...report, hardware: undefined, smbios: undefined });
}

function base64Bytes(bytes: number): number {
  return Math.ceil(bytes / 3) * 4;
}

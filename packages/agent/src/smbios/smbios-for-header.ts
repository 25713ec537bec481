/** Makes an SMBIOS report fit into a request header, or another place with a limit. */
import { SMBIOS_MAX_ENTRIES, type SmbiosNode } from "@rancheros/protocol/messages";

import { SmbiosError } from "./errors.ts";
import type { Smbios } from "./render-smbios.ts";

/** What templates and people ask for, the most wanted first. */
const WANTED = [
  "System Information",
  "Base Board Information",
  "Chassis Information",
  "BIOS Information",
  "Processor Information",
  "OEM Strings",
  "System Configuration Options",
  "Memory Device",
  "Physical Memory Array",
] as const;

function headerBytes(report: Smbios): number {
  return Math.ceil(Buffer.byteLength(JSON.stringify(report)) / 3) * 4;
}

/** As the protocol counts them: each key and each item of a list. */
function entriesOf(node: SmbiosNode): number {
  if (typeof node === "string") return 0;
  const children: readonly SmbiosNode[] = Object.values(node);
  return children.reduce<number>((sum, child) => sum + 1 + entriesOf(child), 0);
}

/** 0 for what is wanted most; lists of all handles come after everything else. */
function rank(title: string): number {
  const wanted = WANTED.findIndex((one) => one === title);
  if (wanted !== -1) return wanted;
  return title.endsWith("[]") ? WANTED.length + 1 : WANTED.length;
}

/**
 * The report itself where it fits, else as many whole sections as fit, in the order in which they are wanted; in the
 * end they stand in the order of the report.
 * The protocol's limit of entries is kept as well.
 * @param maxBytes  of the header's value, which is base64 of JSON
 * @throws SmbiosError  SMBIOS_HEADER_LIMIT where not even an empty report fits
 */
export function smbiosForHeader(smbios: Smbios, maxBytes: number): Smbios {
  if (headerBytes({}) > maxBytes) {
    throw new SmbiosError("SMBIOS_HEADER_LIMIT", `a header of ${maxBytes} bytes has no room for SMBIOS`, {
      details: { maxBytes },
    });
  }
  const fits = (report: Smbios): boolean => headerBytes(report) <= maxBytes && entriesOf(report) <= SMBIOS_MAX_ENTRIES;
  if (fits(smbios)) return smbios;
  const titles = Object.keys(smbios).sort((a, b) => rank(a) - rank(b));
  const kept = new Set<string>();
  const reportOf = () => Object.fromEntries(Object.entries(smbios).filter(([title]) => kept.has(title)));
  for (const title of titles) {
    kept.add(title);
    if (!fits(reportOf())) kept.delete(title);
  }
  return reportOf();
}

/** Makes an SMBIOS report fit into a request header. */
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

/** 0 for what is wanted most; lists of all handles come after everything else. */
function rank(title: string): number {
  const wanted = WANTED.findIndex((one) => one === title);
  if (wanted !== -1) return wanted;
  return title.endsWith("[]") ? WANTED.length + 1 : WANTED.length;
}

/**
 * The report itself where it fits, else as many whole sections as fit, in the order in which they are wanted; in the
 * end they stand in the order of the report.
 * @param maxBytes  of the header's value, which is base64 of JSON
 * @throws SmbiosError  SMBIOS_HEADER_LIMIT where not even an empty report fits
 */
export function smbiosForHeader(smbios: Smbios, maxBytes: number): Smbios {
  if (headerBytes({}) > maxBytes) {
    throw new SmbiosError("SMBIOS_HEADER_LIMIT", `a header of ${maxBytes} bytes has no room for SMBIOS`, {
      details: { maxBytes },
    });
  }
  if (headerBytes(smbios) <= maxBytes) return smbios;
  const titles = Object.keys(smbios).sort((a, b) => rank(a) - rank(b));
  const kept = new Set<string>();
  const reportOf = () => Object.fromEntries(Object.entries(smbios).filter(([title]) => kept.has(title)));
  for (const title of titles) {
    kept.add(title);
    if (headerBytes(reportOf()) > maxBytes) kept.delete(title);
  }
  return reportOf();
}

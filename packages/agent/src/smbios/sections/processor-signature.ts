/** The CPUID part of type 4: which processors have one, and its text. Source: DMTF DSP0134 7.5.3; wording of dmidecode 3.4. */

import type { Fields } from "../fields.ts";
import { hexLower } from "../number-text.ts";
import { bitNames } from "../names.ts";

export interface ProcessorSignature {
  readonly signature: string;
  /** Feature names; undefined where the processor has no feature word. */
  readonly flags: readonly string[] | undefined;
}

type SignatureKind = "80386" | "80486" | "intel" | "amd" | "arm";

const KINDS_BY_FAMILY: readonly (readonly [first: number, last: number, kind: SignatureKind])[] = [
  [0x05, 0x05, "80386"],
  [0x06, 0x06, "80486"],
  [0x0b, 0x15, "intel"],
  [0x18, 0x1d, "amd"],
  [0x1f, 0x1f, "amd"],
  [0x28, 0x2f, "intel"],
  [0x38, 0x3f, "amd"],
  [0x46, 0x4f, "amd"],
  [0x66, 0x6b, "amd"],
  [0x83, 0x8f, "amd"],
  [0xa1, 0xb3, "intel"],
  [0xb5, 0xb5, "intel"],
  [0xb6, 0xb7, "amd"],
  [0xb9, 0xc7, "intel"],
  [0xcd, 0xcf, "intel"],
  [0xd2, 0xdb, "intel"],
  [0xdd, 0xe0, "intel"],
  [0xe4, 0xef, "amd"],
  [0x100, 0x101, "arm"],
  [0x118, 0x119, "arm"],
];
const OTHER_FAMILY = 0x01;
const UNKNOWN_FAMILY = 0x02;
const KINDS_BY_VERSION: readonly (readonly [prefix: string, kind: SignatureKind])[] = [
  ["Pentium III MMX", "intel"],
  ["Intel(R) Core(TM)2", "intel"],
  ["Intel(R) Pentium(R)", "intel"],
  ["AMD Athlon(TM)", "amd"],
  ["AMD Opteron(tm)", "amd"],
  ["Dual-Core AMD Opteron(tm)", "amd"],
];
const SOC_ID_BIT = 0x0200;
/** CPUID function 1, EDX; an empty name is a reserved bit. */
const FLAGS = [
  "FPU (Floating-point unit on-chip)",
  "VME (Virtual mode extension)",
  "DE (Debugging extension)",
  "PSE (Page size extension)",
  "TSC (Time stamp counter)",
  "MSR (Model specific registers)",
  "PAE (Physical address extension)",
  "MCE (Machine check exception)",
  "CX8 (CMPXCHG8 instruction supported)",
  "APIC (On-chip APIC hardware supported)",
  "",
  "SEP (Fast system call)",
  "MTRR (Memory type range registers)",
  "PGE (Page global enable)",
  "MCA (Machine check architecture)",
  "CMOV (Conditional move instruction supported)",
  "PAT (Page attribute table)",
  "PSE-36 (36-bit page size extension)",
  "PSN (Processor serial number present and enabled)",
  "CLFSH (CLFLUSH instruction supported)",
  "",
  "DS (Debug store)",
  "ACPI (ACPI supported)",
  "MMX (MMX technology supported)",
  "FXSR (FXSAVE and FXSTOR instructions supported)",
  "SSE (Streaming SIMD extensions)",
  "SSE2 (Streaming SIMD extensions 2)",
  "SS (Self-snoop)",
  "HTT (Multi-threading)",
  "TM (Thermal monitor supported)",
  "",
  "PBE (Pending break enabled)",
] as const;

/**
 * The signature of the processor, or undefined where dmidecode prints none.
 * @param family  processor family, resolved to its two-byte form
 */
export function decodeSignature(fields: Fields, family: number): ProcessorSignature | undefined {
  const kind = signatureKind(family, fields.string(0x10));
  if (kind === undefined) return undefined;
  const eax = fields.u32(0x08);
  const edx = fields.u32(0x0c);
  if (kind === "80386") return { signature: signature386(eax), flags: undefined };
  if (kind === "arm") return signatureArm(fields, eax, edx);
  if (kind === "80486" && !hasCpuid486(eax)) return { signature: signature486(eax), flags: undefined };
  const signature = kind === "amd" ? signatureAmd(eax) : signatureIntel(eax);
  return { signature, flags: bitNames(FLAGS, edx) };
}

function signatureKind(family: number, version: string): SignatureKind | undefined {
  const known = KINDS_BY_FAMILY.find(([first, last]) => family >= first && family <= last);
  if (known !== undefined) return known[2];
  if (family !== OTHER_FAMILY && family !== UNKNOWN_FAMILY) return undefined;
  if (version === "Genuine Intel(R) CPU U1400") return "intel";
  return KINDS_BY_VERSION.find(([prefix]) => version.startsWith(prefix))?.[1];
}

function nibble(value: number, lowestBit: number): number {
  return (value >>> lowestBit) & 0x0f;
}

function signature386(dx: number): string {
  return `Type ${nibble(dx, 12)}, Family ${nibble(dx, 8)}, Major Stepping ${nibble(dx, 4)}, Minor Stepping ${nibble(dx, 0)}`;
}

function signature486(dx: number): string {
  return `Type ${(dx >>> 12) & 3}, Family ${nibble(dx, 8)}, Model ${nibble(dx, 4)}, Stepping ${nibble(dx, 0)}`;
}

/** Only later 80486 know CPUID; they are told apart by model and stepping. */
function hasCpuid486(dx: number): boolean {
  const model = nibble(dx, 4);
  return nibble(dx, 8) === 4 && (model === 4 || model >= 7) && nibble(dx, 0) >= 3;
}

function signatureIntel(eax: number): string {
  const family = ((eax >>> 20) & 0xff) + nibble(eax, 8);
  const model = ((eax >>> 12) & 0xf0) + nibble(eax, 4);
  return `Type ${(eax >>> 12) & 3}, Family ${family}, Model ${model}, Stepping ${nibble(eax, 0)}`;
}

function signatureAmd(eax: number): string {
  const extended = nibble(eax, 8) === 0x0f;
  const family = nibble(eax, 8) + (extended ? (eax >>> 20) & 0xff : 0);
  const model = nibble(eax, 4) + (extended ? (eax >>> 12) & 0xf0 : 0);
  return `Family ${family}, Model ${model}, Stepping ${nibble(eax, 0)}`;
}

function signatureArm(fields: Fields, low: number, high: number): ProcessorSignature | undefined {
  const hasSocId = fields.lengthBytes >= 0x28 && (fields.u16(0x26) & SOC_ID_BIT) !== 0;
  if (hasSocId) {
    const bank = hexLower((low >>> 24) & 0x7f, 2);
    const manufacturer = hexLower((low >>> 16) & 0x7f, 2);
    const socId = hexLower(low & 0xffff, 4);
    const signature = `JEP-106 Bank ${bank} Manufacturer ${manufacturer}, SoC ID ${socId}, SoC Revision ${hexLower(high, 8)}`;
    return { signature, flags: undefined };
  }
  if (low === 0) return undefined;
  const implementor = hexLower(low >>> 24, 2);
  const variant = hexLower(nibble(low, 20), 1);
  const part = hexLower((low >>> 4) & 0xfff, 3);
  const signature = `Implementor ${implementor}, Variant ${variant}, Architecture ${nibble(low, 16)}, Part ${part}, Revision ${nibble(low, 0)}`;
  return { signature, flags: undefined };
}

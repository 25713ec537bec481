/** Whether the firmware's tables name this machine, as names and labels that are made of them need. */
import { isVendorPlaceholder } from "@rancheros/protocol/templates";

import type { DecodedSmbios } from "../smbios/index.ts";
import { DoctorError } from "./errors.ts";
import { ok, warn, type Verdict } from "./verdict.ts";

const WANTED = ["Manufacturer", "Product Name", "Serial Number"] as const;
const SHOWN_CHARACTERS = 60;

export function judgeSmbios({ smbios, fault }: DecodedSmbios): Verdict<undefined> {
  if (fault !== undefined) return warn(fault);
  const system = new Map(Object.entries(smbios["System Information"] ?? {}));
  const texts = WANTED.map((key) => [key, textOf(system.get(key))] as const);
  const unset = texts.filter(([, text]) => isVendorPlaceholder(text));
  const shown = texts.map(([, text]) => text.slice(0, SHOWN_CHARACTERS)).filter((text) => text !== "");
  if (unset.length === 0) return ok(shown.join(", "));
  const missing = unset.map(([key, text]) =>
    text === "" ? `no ${key}` : `${key} ${JSON.stringify(text.slice(0, SHOWN_CHARACTERS))}`,
  );
  return warn(new DoctorError("DOCTOR_SMBIOS_NAMELESS", `the firmware says: ${missing.join(", ")}`));
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value.replaceAll(/[\p{Cc}\s]+/gu, " ").trim() : "";
}

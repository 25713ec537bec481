/** Whether the firmware's tables name this machine, as names and labels that are made of them need. */
import type { DecodedSmbios } from "../smbios/index.ts";
import { DoctorError } from "./errors.ts";
import { ok, warn, type Verdict } from "./verdict.ts";

const WANTED = ["Manufacturer", "Product Name", "Serial Number"] as const;
/** What boards say that nobody has set up. */
const PLACEHOLDER =
  /^(|0+|1234567890?|123456789|x+|none|null|n\/?a|invalid|unknown|default( string)?|to be filled by o\.?e\.?m\.?|not (specified|applicable|available|present|settable)|system (manufacturer|product name|serial number)|chassis serial number|empty)$/i;
const SHOWN_CHARACTERS = 60;

export function judgeSmbios({ smbios, fault }: DecodedSmbios): Verdict<undefined> {
  if (fault !== undefined) return warn(fault);
  const system = new Map(Object.entries(smbios["System Information"] ?? {}));
  const texts = WANTED.map((key) => [key, textOf(system.get(key))] as const);
  const unset = texts.filter(([, text]) => PLACEHOLDER.test(text));
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

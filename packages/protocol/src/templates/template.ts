/**
 * Templates such as `node-${System Information/Serial Number}-`, filled from what a machine says of itself. What follows
 * a bar is written where nothing is found: `${System Information/Family|unknown}`, also nothing at all: `${A/B|}`. The
 * whole placeholder is looked up first, so that a template of the original finds what it found there.
 */

export interface Filled {
  readonly text: string;
  /** Placeholders, without `${` and `}`, that found no string and have nothing to fall back to. */
  readonly empty: readonly string[];
}

/** First segment of placeholders that are looked up in the hardware tree instead of the SMBIOS. */
export const HARDWARE = "Hardware";

/** What there is below it: all of an agent's `hardwareTree`. */
export const HARDWARE_PARTS: readonly string[] = ["cpu", "memory", "disks", "networkInterfaces"];

/** The longest template that a registration takes. */
export const TEMPLATE_LIMIT = 16_384;
/** Of what a machine says, so many characters go into one template. */
export const INSERTED_LIMIT = 2048;
const FILLED_LIMIT = TEMPLATE_LIMIT + INSERTED_LIMIT;

function lookUp(data: unknown, path: readonly string[]): string | undefined {
  let here: unknown = data;
  for (const step of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, step)) return undefined;
    here = Reflect.get(here, step);
  }
  return typeof here === "string" && here !== "" ? here : undefined;
}

/** @returns the placeholder that is not closed, as fillTemplate finds none after the last `}` */
export function openPlaceholder(template: string): string | undefined {
  const start = template.indexOf("${", template.lastIndexOf("}") + 1);
  return start === -1 ? undefined : template.slice(start);
}

/** @returns all that are closed, without `${` and `}`, as fillTemplate finds them */
export function placeholdersOf(template: string): readonly string[] {
  const found: string[] = [];
  for (let at = 0; ;) {
    const start = template.indexOf("${", at);
    const end = start === -1 ? -1 : template.indexOf("}", start + 2);
    if (end === -1) return found;
    found.push(template.slice(start + 2, end));
    at = end + 1;
  }
}

type Look = (path: string) => string | undefined;

/** @returns undefined where nothing is found and nothing is said for that */
function valueOf(placeholder: string, look: Look): string | undefined {
  const whole = look(placeholder);
  const bar = placeholder.indexOf("|");
  if (whole !== undefined || bar === -1) return whole;
  return look(placeholder.slice(0, bar)) ?? placeholder.slice(bar + 1);
}

/**
 * Fills a template.
 * @param template  text with `${A/B}` and `${A/B|fallback}` placeholders; one that is not closed stays as it is
 * @param data      nested maps whose leaves are strings; a placeholder that ends anywhere else finds nothing
 * @param reading   what becomes of a string that is found; undefined: as if it were not there
 * @param most      how many characters of what is found go into it, at most and by default 2,048
 * @returns         the template's own text, and that; at most 18,432 characters in all
 * Source: rancher/os2 pkg/server/register.go buildName; fallbacks are ours
 */
export function fillTemplate(
  template: string,
  data: unknown,
  reading: (found: string) => string | undefined = (found) => found,
  most = INSERTED_LIMIT,
): Filled {
  let left = Math.min(most, INSERTED_LIMIT);
  const look: Look = (path) => {
    const found = lookUp(data, path.split("/"));
    const inserted = found === undefined ? undefined : reading(found)?.slice(0, left);
    left -= inserted?.length ?? 0;
    return inserted;
  };
  const empty: string[] = [];
  let text = "";
  let rest = template;
  while (text.length <= FILLED_LIMIT) {
    const start = rest.indexOf("${");
    const end = start === -1 ? -1 : rest.indexOf("}", start + 2);
    if (end === -1) {
      text += rest;
      break;
    }
    const placeholder = rest.slice(start + 2, end);
    const value = valueOf(placeholder, look);
    if (value === undefined) empty.push(placeholder);
    text += rest.slice(0, start) + (value ?? "");
    rest = rest.slice(end + 1);
  }
  return { text: text.slice(0, FILLED_LIMIT), empty };
}

/** Templates such as `node-${System Information/Serial Number}-`, filled from a machine's SMBIOS. */

export interface Filled {
  readonly text: string;
  /** Placeholders, without `${` and `}`, that found no string. */
  readonly empty: readonly string[];
}

/** A filled template is cut here: sixty-four of them must fit into an object's annotations, 256 KiB. */
const FILLED_LIMIT = 2048;

function lookUp(data: unknown, path: readonly string[]): string | undefined {
  let here: unknown = data;
  for (const step of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, step)) return undefined;
    here = Reflect.get(here, step);
  }
  return typeof here === "string" ? here : undefined;
}

/**
 * Fills a template.
 * @param template  text with `${A/B}` placeholders; one that is not closed stays as it is
 * @returns         at most 2,048 characters
 * @param data      nested maps whose leaves are strings; a placeholder that ends anywhere else becomes empty
 * Source: rancher/os2 pkg/server/register.go buildName
 */
export function fillTemplate(template: string, data: unknown): Filled {
  const empty: string[] = [];
  let text = "";
  let rest = template;
  while (text.length <= FILLED_LIMIT) {
    const start = rest.indexOf("${");
    const end = start === -1 ? -1 : rest.indexOf("}", start + 2);
    if (end === -1) return { text: text + rest, empty };
    const placeholder = rest.slice(start + 2, end);
    const value = lookUp(data, placeholder.split("/"));
    if (value === undefined || value === "") empty.push(placeholder);
    text += rest.slice(0, start) + (value ?? "");
    rest = rest.slice(end + 1);
  }
  return { text: text.slice(0, FILLED_LIMIT), empty };
}

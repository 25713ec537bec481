/** Manifests that two programs would read as two images: what is judged here is not what a runtime then takes. */

/** Fields that say what an image is. Source: OCI image-spec manifest.md, image-index.md, descriptor.md */
const FIELDS = ["schemaVersion", "mediaType", "artifactType", "config", "layers", "manifests", "subject", "annotations"]
  .concat(["digest", "size", "urls", "data", "platform", "os", "architecture", "variant", "os.version", "os.features"])
  .map((name) => [folded(name), name] as const);
const BY_FOLD: ReadonlyMap<string, string> = new Map(FIELDS);
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:]/gs;
const TOLD_LIMIT = 60;

interface Open {
  readonly names: Set<string>;
  /** Its names are anybody's, and are compared as they are by everybody. */
  readonly isAnnotations: boolean;
}

/**
 * Go, in which runtimes are written, takes `Layers` for `layers`, and lays what stands twice over each other; JavaScript does
 * neither.
 * @param text  JSON, parsed already: anything else is read at random
 * @returns what is ambiguous, or undefined
 * Source: Go's encoding/json, Unmarshal; RFC 8259 section 4
 */
export function ambiguousField(text: string): string | undefined {
  const open: (Open | undefined)[] = [];
  let last = '""';
  let key = "";
  for (const [token] of text.matchAll(TOKEN)) {
    // What is in a list has no name of its own: the last one seen is another's.
    if (token === "{")
      open.push({ names: new Set(), isAnnotations: open.at(-1) !== undefined && key === "annotations" });
    else if (token === "[") open.push(undefined);
    else if (token === "}" || token === "]") open.pop();
    else if (token !== ":") last = token;
    else {
      key = String(JSON.parse(last));
      const holder = open.at(-1);
      if (holder?.names.has(key) === true) return `${quoted(key)} stands there twice`;
      holder?.names.add(key);
      const field = holder?.isAnnotations === false ? BY_FOLD.get(folded(key)) : undefined;
      if (field !== undefined && field !== key) return `${quoted(key)} would be read as ${quoted(field)} by others`;
    }
  }
  return undefined;
}

/** As Go compares names; it knows of ſ and of the Kelvin sign too. */
function folded(name: string): string {
  return name.toUpperCase().toLowerCase();
}

function quoted(name: string): string {
  return JSON.stringify(name.slice(0, TOLD_LIMIT));
}

/** The file of default objects: which objects the operator is to make where they are missing. */
import { API_GROUP, API_VERSION, machineRegistration, managedOSImage } from "@rancheros/protocol/resources";
import { parseAllDocuments, type Document } from "yaml";
import { DefaultsError } from "./errors.ts";

const KINDS = [machineRegistration, managedOSImage];
const MAX_BYTES = 1024 * 1024;
const MAX_OBJECTS = 16;
const NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

export interface DefaultObject {
  readonly plural: string;
  readonly namespace: string;
  readonly name: string;
  /** As it is sent to the API server, which judges its spec. */
  readonly body: object;
}

/**
 * @param text  YAML documents
 * @throws DefaultsError  that names every problem
 */
export function parseDefaults(text: string): readonly DefaultObject[] {
  if (Buffer.byteLength(text) > MAX_BYTES) throw new DefaultsError(`the file is larger than ${MAX_BYTES} bytes`);
  const documents = parseAllDocuments(text);
  const problems: string[] = [];
  const objects: DefaultObject[] = [];
  for (const [index, document] of [...documents].entries()) {
    const where = `document ${index + 1}`;
    const value = valueOf(document);
    if (value instanceof Error) {
      problems.push(`${where}: ${value.message.split("\n", 1)[0] ?? ""}`);
      continue;
    }
    if (value === null) continue;
    const object = readObject(value, (problem) => problems.push(`${where}: ${problem}`));
    if (object !== undefined) objects.push(object);
  }
  if (objects.length > MAX_OBJECTS) problems.push(`there are more than ${MAX_OBJECTS} objects`);
  if (problems.length > 0) throw new DefaultsError(problems.join("; "));
  return objects;
}

/** Aliases are not followed: they are how a small file becomes a large object. */
function valueOf(document: Document.Parsed): unknown {
  const [broken] = document.errors;
  if (broken !== undefined) return broken;
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function fieldOf(object: unknown, name: string): unknown {
  return typeof object === "object" && object !== null ? Reflect.get(object, name) : undefined;
}

function readObject(value: unknown, problem: (text: string) => void): DefaultObject | undefined {
  const metadata = fieldOf(value, "metadata");
  const [namespace, name, spec] = [fieldOf(metadata, "namespace"), fieldOf(metadata, "name"), fieldOf(value, "spec")];
  const isOurs = fieldOf(value, "apiVersion") === `${API_GROUP}/${API_VERSION}`;
  const kind = isOurs ? KINDS.find((one) => one.kind === fieldOf(value, "kind")) : undefined;
  if (kind === undefined) {
    problem(`is no ${KINDS.map((one) => one.kind).join(" and no ")} of ${API_GROUP}/${API_VERSION}`);
    return undefined;
  }
  const isNamed = typeof namespace === "string" && typeof name === "string" && NAME.test(namespace) && NAME.test(name);
  if (!isNamed) problem("metadata.namespace and metadata.name must be names");
  if (typeof spec !== "object" || spec === null || Array.isArray(spec)) problem("spec is missing");
  if (!isNamed || typeof value !== "object" || value === null) return undefined;
  return { plural: kind.plural, namespace, name, body: value };
}

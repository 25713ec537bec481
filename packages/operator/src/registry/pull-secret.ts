/** Pull secrets as Kubernetes has them: from a Secret to credentials, each with the images that it is for. */
import { RegistryError } from "./errors.ts";

export interface RegistryCredential {
  /** The key in the Secret, such as registry.example.com:5000/team or https://index.docker.io/v1/. */
  readonly registry: string;
  readonly username: string;
  readonly password: string;
}

/** Secrets have at most 1 MiB; more entries than these are no pull secret of anybody's. */
const MAX_ENTRIES = 1_000;
const FORMS: Readonly<Record<string, string>> = {
  "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
  "kubernetes.io/dockercfg": ".dockercfg",
};

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function own(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

/**
 * @param secret  the Secret as the API server gives it, with base64 in `data`
 * @returns       its credentials, in the order in which they stand there
 * @throws RegistryError  REGISTRY_PULL_SECRET_INVALID, with every bad field
 * Source: kubernetes.io/docs/concepts/configuration/secret, "Docker config Secrets"; pkg/credentialprovider/config.go
 */
export function parsePullSecret(secret: unknown): readonly RegistryCredential[] {
  const problems: string[] = [];
  const credentials = readSecret(secret, problems);
  if (problems.length > 0) {
    throw new RegistryError("REGISTRY_PULL_SECRET_INVALID", problems.join("; "), { problems });
  }
  return credentials;
}

function readSecret(secret: unknown, problems: string[]): readonly RegistryCredential[] {
  if (!isFields(secret)) {
    problems.push("secret: is no object");
    return [];
  }
  const type = own(secret, "type");
  const key = typeof type === "string" && Object.hasOwn(FORMS, type) ? FORMS[type] : undefined;
  if (key === undefined) {
    problems.push("type: is neither kubernetes.io/dockerconfigjson nor kubernetes.io/dockercfg");
    return [];
  }
  const data = own(secret, "data");
  const path = `data[${JSON.stringify(key)}]`;
  const document = parseJson(decode(isFields(data) ? own(data, key) : undefined, path, problems), path, problems);
  if (document === undefined) return [];
  const isNew = key === ".dockerconfigjson";
  const auths = isNew ? own(document, "auths") : document;
  return readAuths(auths, isNew ? `${path}.auths` : path, problems);
}

function decode(value: unknown, path: string, problems: string[]): string | undefined {
  if (typeof value !== "string" || value === "") problems.push(`${path}: is missing`);
  else if (!isBase64(value)) problems.push(`${path}: is no base64`);
  else return Buffer.from(value, "base64").toString("utf8");
  return undefined;
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

function parseJson(text: string | undefined, path: string, problems: string[]): Fields | undefined {
  if (text === undefined) return undefined;
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    // The parser's own message would show a part of the Secret.
    problems.push(`${path}: is no JSON`);
    return undefined;
  }
  if (isFields(document)) return document;
  problems.push(`${path}: is no JSON object`);
  return undefined;
}

function readAuths(auths: unknown, path: string, problems: string[]): readonly RegistryCredential[] {
  if (!isFields(auths)) {
    problems.push(`${path}: is missing, or no object`);
    return [];
  }
  const entries = Object.entries(auths);
  if (entries.length > MAX_ENTRIES) {
    problems.push(`${path}: has more than ${MAX_ENTRIES} entries`);
    return [];
  }
  return entries.flatMap(([registry, entry]) => {
    const credential = readEntry(registry, entry, `${path}[${JSON.stringify(registry)}]`, problems);
    return credential === undefined ? [] : [credential];
  });
}

function readEntry(registry: string, entry: unknown, path: string, problems: string[]): RegistryCredential | undefined {
  if (!isFields(entry)) {
    problems.push(`${path}: is no object`);
    return undefined;
  }
  const [auth, username, password] = ["auth", "username", "password"].map((name) =>
    textField(own(entry, name), `${path}.${name}`, problems),
  );
  // As Kubernetes does: where both are there, auth wins.
  if (auth !== undefined && auth !== "") return fromAuth(registry, auth, `${path}.auth`, problems);
  if (username === undefined && password === undefined) return undefined;
  return { registry, username: username ?? "", password: password ?? "" };
}

function textField(value: unknown, path: string, problems: string[]): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return value;
  problems.push(`${path}: is no text`);
  return undefined;
}

function fromAuth(registry: string, auth: string, path: string, problems: string[]): RegistryCredential | undefined {
  // Tools break it into lines, and some write it without padding: Kubernetes takes both.
  const joined = auth.trim().replaceAll(/[\r\n]/g, "");
  const padded = joined.padEnd(Math.ceil(joined.length / 4) * 4, "=");
  const text = isBase64(padded) ? Buffer.from(padded, "base64").toString("utf8") : "";
  const colon = text.indexOf(":");
  if (colon === -1) {
    problems.push(`${path}: is not the base64 of username:password`);
    return undefined;
  }
  return { registry, username: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** From a registry's answer that is none to what a person can act on. */
import { RegistryError } from "./errors.ts";
import { headerText, type RegistryAnswer } from "./registry-outside.ts";

const LONGEST_RETRY_SECONDS = 3_600;
const WORDS_LIMIT = 200;

/** @param what  what was asked for, such as `registry.example.com: os:v1` */
export function answerFailure(answer: RegistryAnswer, what: string): RegistryError {
  const { status } = answer;
  const said = registrysWords(answer.body);
  const words = said === undefined ? "" : `: ${said}`;
  const options = { details: { status } };
  if (status === 401 || status === 403) {
    return new RegistryError(
      "REGISTRY_REFUSED",
      `${what}: the registry does not allow it (HTTP ${status})${words}`,
      options,
    );
  }
  if (status === 404) {
    return new RegistryError("REGISTRY_NOT_FOUND", `${what}: the registry has no such image${words}`, options);
  }
  if (status === 429 || status >= 500) {
    const retry = retryAfter(answer);
    const wish = retry === undefined ? "" : `; it asks to be left alone for ${Math.round(retry.afterMs / 1000)} s`;
    const message = `${what}: the registry is busy or in trouble (HTTP ${status})${words}${wish}`;
    return new RegistryError("REGISTRY_BUSY", message, retry === undefined ? options : { ...options, retry });
  }
  return new RegistryError(
    "REGISTRY_NONSENSE",
    `${what}: answered with HTTP ${status}, which no registry does${words}`,
    options,
  );
}

function retryAfter(answer: RegistryAnswer): { readonly afterMs: number } | undefined {
  const header = headerText(answer, "retry-after");
  if (header === undefined || !/^\d{1,9}$/.test(header)) return undefined;
  return { afterMs: Math.min(Number(header), LONGEST_RETRY_SECONDS) * 1000 };
}

/** The first of the errors in a registry's own form, bounded and without control characters: the other side chose it. */
function registrysWords(body: Buffer): string | undefined {
  let document: unknown;
  try {
    document = JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
  if (typeof document !== "object" || document === null || !("errors" in document)) return undefined;
  const first: unknown = Array.isArray(document.errors) ? document.errors[0] : undefined;
  if (typeof first !== "object" || first === null) return undefined;
  const parts = [
    "code" in first && typeof first.code === "string" ? first.code : "",
    "message" in first && typeof first.message === "string" ? first.message : "",
  ].filter((part) => part !== "");
  const text = parts.join(", ").replaceAll(/[^\x20-\x7e]/g, "?");
  return text === "" ? undefined : text.slice(0, WORDS_LIMIT);
}

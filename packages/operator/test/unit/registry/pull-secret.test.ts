import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parsePullSecret, RegistryError } from "../../../src/registry/index.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const PATH = 'data[".dockerconfigjson"]';

function secretOf(document: unknown): unknown {
  const text = typeof document === "string" ? document : JSON.stringify(document);
  return { type: "kubernetes.io/dockerconfigjson", data: { ".dockerconfigjson": base64(text) } };
}

function problemsOf(secret: unknown): readonly string[] {
  try {
    parsePullSecret(secret);
  } catch (error) {
    if (error instanceof RegistryError && error.code === "REGISTRY_PULL_SECRET_INVALID") return error.problems;
    throw error;
  }
  return [];
}

describe("parsePullSecret", () => {
  // Origin: `kubectl create secret docker-registry regcred --docker-server=https://index.docker.io/v1/
  // --docker-username=janedoe --docker-password=xxxxxxxxxxx --docker-email=jdoe@example.com`, as the Kubernetes
  // documentation shows it (Pull an Image from a Private Registry).
  it("reads what kubectl writes", () => {
    const auth = "amFuZWRvZTp4eHh4eHh4eHh4eA==";
    const entry = { username: "janedoe", password: "other", email: "jdoe@example.com", auth };
    expect(parsePullSecret(secretOf({ auths: { "https://index.docker.io/v1/": entry } }))).toEqual([
      { registry: "https://index.docker.io/v1/", username: "janedoe", password: "xxxxxxxxxxx" },
    ]);
  });

  it("reads auth with the line breaks of base64, which stand within it as well, and with no other characters", () => {
    const password = "p".repeat(100);
    const wrapped = base64(`user:${password}`).replaceAll(/.{76}/g, "$&\n");
    expect(wrapped.trim()).toContain("\n");
    const account = { registry: "r.test", username: "user", password };
    for (const auth of [`${wrapped}\n`, wrapped.replaceAll("\n", "\r\n"), wrapped.replace(/=+$/, "\n")]) {
      expect(parsePullSecret(secretOf({ auths: { "r.test": { auth } } }))).toEqual([account]);
    }
    expect(problemsOf(secretOf({ auths: { "r.test": { auth: wrapped.replace("\n", " ") } } }))).toHaveLength(1);
  });

  it("reads each form of an account: auth, username with password, colons in passwords, no padding", () => {
    const auths = {
      a: { auth: base64("u:p:with:colons") },
      b: { username: "u", password: "p" },
      c: { auth: base64("u:pw").replace(/=+$/, "") },
      d: { auth: "", username: "u" },
      e: { email: "only@example.com" },
    };
    expect(parsePullSecret(secretOf({ auths, credsStore: "desktop" }))).toEqual([
      { registry: "a", username: "u", password: "p:with:colons" },
      { registry: "b", username: "u", password: "p" },
      { registry: "c", username: "u", password: "pw" },
      { registry: "d", username: "u", password: "" },
    ]);
  });

  it("reads the older form, whose registries stand at the top", () => {
    const data = { ".dockercfg": base64(JSON.stringify({ "r.test": { auth: base64("u:p") } })) };
    expect(parsePullSecret({ type: "kubernetes.io/dockercfg", data })).toEqual([
      { registry: "r.test", username: "u", password: "p" },
    ]);
  });

  it.each([
    [null, ["secret: is no object"]],
    [{ type: "Opaque", data: {} }, ["type: is neither kubernetes.io/dockerconfigjson nor kubernetes.io/dockercfg"]],
    [
      { type: "constructor", data: {} },
      ["type: is neither kubernetes.io/dockerconfigjson nor kubernetes.io/dockercfg"],
    ],
    [{ type: "kubernetes.io/dockerconfigjson" }, [`${PATH}: is missing`]],
    [{ type: "kubernetes.io/dockerconfigjson", data: { ".dockerconfigjson": "%%%%" } }, [`${PATH}: is no base64`]],
    [secretOf("{"), [`${PATH}: is no JSON`]],
    [secretOf([]), [`${PATH}: is no JSON object`]],
    [secretOf({}), [`${PATH}.auths: is missing, or no object`]],
    [
      secretOf({
        auths: { a: 1, b: { auth: base64("no colon") }, c: { auth: "%" }, d: { username: 7, password: [] } },
      }),
      [
        `${PATH}.auths["a"]: is no object`,
        `${PATH}.auths["b"].auth: is not the base64 of username:password`,
        `${PATH}.auths["c"].auth: is not the base64 of username:password`,
        `${PATH}.auths["d"].username: is no text`,
        `${PATH}.auths["d"].password: is no text`,
      ],
    ],
  ])("refuses %j, and names each bad field", (secret, problems) => {
    expect(problemsOf(secret)).toEqual(problems);
  });

  it("never shows what the fields hold", () => {
    const secrets = [
      secretOf('{"auths": sesame}'),
      secretOf({ auths: { a: { auth: "sesame!" } } }),
      secretOf("sesame"),
    ];
    for (const secret of secrets) {
      const problems = problemsOf(secret);
      expect(problems).toHaveLength(1);
      expect(problems.join()).not.toContain("sesame");
    }
  });

  it("gives accounts or its own error, for anything", () => {
    const anything = fc.anything();
    fc.assert(
      fc.property(fc.oneof(anything, anything.map((auths) => secretOf({ auths })).filter(Boolean)), (secret) => {
        const problems = problemsOf(secret);
        if (problems.length > 0) return;
        for (const one of parsePullSecret(secret)) expect(typeof one.password).toBe("string");
      }),
    );
    expect(
      problemsOf(secretOf({ auths: Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [i, {}])) })),
    ).toEqual([`${PATH}.auths: has more than 1000 entries`]);
  });
});

import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { safeConcatName } from "../../../src/inventory/safe-concat-name.ts";
import { defaultRegistry } from "../../../src/rancher/default-registry.ts";
import { serverAddress, type AddressSources } from "../../../src/rancher/server-address.ts";

describe("safeConcatName", () => {
  it("joins short names as they are", () => {
    expect(safeConcatName("c-m-abc", "machine-a", "token")).toBe("c-m-abc-machine-a-token");
    expect(safeConcatName("x".repeat(63))).toBe("x".repeat(63));
  });

  // Rule: wrangler pkg/name SafeConcatName.
  it("cuts long names and marks them with the hash of the whole", () => {
    const whole = "x".repeat(64);
    const hash = createHash("sha256").update(whole).digest("hex");
    expect(safeConcatName(whole)).toBe(`${"x".repeat(57)}-${hash.slice(0, 5)}`);
    const dashed = `${"x".repeat(56)}-${"y".repeat(20)}`;
    const dashedHash = createHash("sha256").update(dashed).digest("hex");
    expect(safeConcatName(dashed)).toBe(`${"x".repeat(56)}-${dashedHash.slice(0, 6)}`);
  });
});

describe("serverAddress", () => {
  const none: AddressSources = {
    serverUrl: undefined,
    caPem: undefined,
    publicCa: false,
    ownCaPem: "own",
    rancher: {},
    isRancherKnown: true,
  };
  const known = { isUrlKnown: true, isCaKnown: true };
  const rancher = { "server-url": "https://rancher/", cacerts: "rancher-ca", "internal-cacerts": "internal-ca" };

  it("knows no URL where nobody says one", () => {
    expect(serverAddress(none)).toEqual({ ...known, url: undefined, caPem: "own" });
    expect(serverAddress({ ...none, rancher: { "server-url": " " } }).url).toBeUndefined();
  });

  it("takes Rancher's URL and CA together", () => {
    expect(serverAddress({ ...none, rancher })).toEqual({
      ...known,
      url: "https://rancher",
      caPem: "rancher-ca",
    });
  });

  it.each([{ "internal-cacerts": "internal-ca" }, { cacerts: "", "internal-cacerts": "internal-ca" }])(
    "takes internal-cacerts where cacerts is absent or empty: %j",
    (settings) => {
      expect(serverAddress({ ...none, rancher: { "server-url": "https://r", ...settings } }).caPem).toBe("internal-ca");
    },
  );

  it("takes no CA with Rancher's URL where Rancher has none: it is a public one", () => {
    expect(serverAddress({ ...none, rancher: { "server-url": "https://r" } })).toEqual({
      ...known,
      url: "https://r",
      caPem: undefined,
    });
  });

  it.each([" https://rancher ", "https://rancher/\n", "\thttps://rancher//"])(
    "takes no space around it along: %j",
    (url) => {
      expect(serverAddress({ ...none, rancher: { "server-url": url } }).url).toBe("https://rancher");
    },
  );

  it.each([
    "rancher.example.com",
    "rancher.example.com:443",
    "ftp://rancher",
    "https://",
    "https://ran cher",
    "https://ran\ncher",
    "https://rancher/?next=/",
    "https://rancher/#",
    "https://admin:password@rancher",
    "null",
  ])("knows no URL, and Rancher's CA all the same, where what Rancher says is none: %j", (url) => {
    expect(serverAddress({ ...none, rancher: { ...rancher, "server-url": url } })).toEqual({
      ...known,
      url: undefined,
      caPem: "rancher-ca",
    });
  });

  it("takes the flag's URL with our own CA", () => {
    expect(serverAddress({ ...none, serverUrl: "https://own", rancher })).toEqual({
      ...known,
      url: "https://own",
      caPem: "own",
    });
  });

  it("takes a given CA before all, and none for a public one", () => {
    expect(serverAddress({ ...none, caPem: "given", rancher }).caPem).toBe("given");
    expect(serverAddress({ ...none, serverUrl: "https://own", caPem: "given" }).caPem).toBe("given");
    expect(serverAddress({ ...none, rancher, publicCa: true }).caPem).toBeUndefined();
  });
});

describe("serverAddress while Rancher's settings are not all read", () => {
  const unread: AddressSources = {
    serverUrl: undefined,
    caPem: undefined,
    publicCa: false,
    ownCaPem: "own",
    rancher: {},
    isRancherKnown: false,
  };

  it.each([
    {},
    { "server-url": "https://r" },
    { "server-url": "https://r", "internal-cacerts": "internal-ca" },
    { cacerts: "rancher-ca" },
  ])("has no CA, neither Rancher's nor our own: %j", (rancher) => {
    const { url, ...others } = serverAddress({ ...unread, rancher });
    expect(url).toBe(rancher["server-url"]);
    expect(others).toEqual({ isUrlKnown: url !== undefined, caPem: undefined, isCaKnown: false });
  });

  it("has what flags say, whatever Rancher says later", () => {
    const own = serverAddress({ ...unread, serverUrl: "https://own" });
    expect(own).toEqual({ url: "https://own", isUrlKnown: true, caPem: "own", isCaKnown: true });
    const given = { url: undefined, isUrlKnown: false, isCaKnown: true };
    expect(serverAddress({ ...unread, caPem: "given" })).toEqual({ ...given, caPem: "given" });
    expect(serverAddress({ ...unread, publicCa: true })).toEqual({ ...given, caPem: undefined });
  });
});

describe("defaultRegistry", () => {
  it.each([
    [{}, undefined],
    [{ "system-default-registry": "" }, undefined],
    [{ "system-default-registry": " " }, undefined],
    [{ "system-default-registry": "registry.example.com:5000" }, "registry.example.com:5000"],
    [{ "system-default-registry": " registry.example.com/mirror// " }, "registry.example.com/mirror"],
    [{ "system-default-registry": "localhost" }, "localhost"],
    [{ "system-default-registry": "[fd00::1]:5000" }, "[fd00::1]:5000"],
  ])("of %j is %s", (settings, registry) => {
    expect(defaultRegistry(settings)).toBe(registry);
  });

  it("is none where no name of an image can stand behind it, and is quoted in part", () => {
    const text = `https://${"x".repeat(1_000)}`;
    const problem: unknown = expect.stringMatching(
      /^Rancher's setting system-default-registry: "https:\/\/x{92}" is no registry/,
    );
    expect(defaultRegistry({ "system-default-registry": text })).toEqual({ problem });
  });
});

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ManagedOSVersion, ManagedOSVersionSpec } from "@rancheros/protocol/resources";
import { parseVersion } from "@rancheros/protocol/versions";
import { dueVersionStatus } from "../../../src/versions/due-version-status.ts";
import { pathRefusal, runningVersion } from "../../../src/versions/upgrade-path.ts";
import { readVersion, type VersionFacts } from "../../../src/versions/version-facts.ts";

const IMAGE = "registry.example.com/os:v1.2.3";
const FROM_SECRET = { env: [{ name: "A", valueFrom: { secretKeyRef: { name: "s", key: "k" } } }] };
const NOW_MS = Date.parse("2030-01-01T00:00:00Z");

function factsOf(spec: ManagedOSVersionSpec): VersionFacts {
  const reading = readVersion(spec);
  if (!reading.ok) throw new Error(reading.message);
  return reading.facts;
}

describe("readVersion", () => {
  it("takes the image, and what else is known as variables for the container", () => {
    const metadata = { upgradeImage: IMAGE, displayName: "OS", "a-b": 1, platforms: ["x"], isGood: true };
    const facts = factsOf({ version: "v1.2.3", minVersion: "1.0.0", metadata });
    expect(facts).toMatchObject({ image: IMAGE, version: parseVersion("1.2.3"), minVersion: parseVersion("1.0.0") });
    expect(facts.environment).toEqual({
      METADATA_A_B: "1",
      METADATA_DISPLAYNAME: "OS",
      METADATA_ISGOOD: "true",
      METADATA_UPGRADEIMAGE: IMAGE,
    });
  });

  it("leaves out what no process can have in its environment", () => {
    const metadata = { upgradeImage: IMAGE, nul: "a\0b", half: "\ud800", fine: "\u{1F600}" };
    expect(factsOf({ version: "v1.2.3", metadata }).environment).toEqual({
      METADATA_FINE: "\u{1F600}",
      METADATA_UPGRADEIMAGE: IMAGE,
    });
  });

  it.each<[string, ManagedOSVersionSpec]>([
    ["IsIso", { version: "v1.2.3", type: "iso", metadata: { uri: "a", upgradeImage: IMAGE } }],
    ["VersionInvalid", { version: "latest", metadata: { upgradeImage: IMAGE } }],
    ["MinVersionInvalid", { version: "1.2.3", minVersion: "old", metadata: { upgradeImage: IMAGE } }],
    ["NoImage", { version: "1.2.3" }],
    ["NoImage", { version: "1.2.3", metadata: { upgradeImage: "" } }],
    ["ImageInvalid", { version: "1.2.3", metadata: { upgradeImage: "UPPER CASE" } }],
    ["VariableInvalid", { version: "1.2.3", metadata: { upgradeImage: IMAGE }, upgradeContainer: FROM_SECRET }],
  ])("says %s of %j", (reason, spec) => {
    expect(readVersion(spec)).toMatchObject({ ok: false, reason });
  });
});

describe("pathRefusal", () => {
  const to = (version: string, minVersion?: string) =>
    factsOf({ version, metadata: { upgradeImage: IMAGE }, ...(minVersion === undefined ? {} : { minVersion }) });

  it.each([
    ["v1.0.0", "v1.0.0"],
    ["1.2", "v1.2.0"],
    ["registry:5000/os:v1.4.0-rc1", "1.4.0-rc1"],
  ])("reads what a machine says: %s", (said, version) => {
    expect(runningVersion(said)).toEqual(parseVersion(version));
  });

  it.each<[string | undefined, string, string | undefined, string | undefined]>([
    ["v1.0.0", "v1.2.0", undefined, undefined],
    ["v1.0.0", "v1.2.0", "v1.0.0", undefined],
    ["v1.2.0", "v1.2.0", "v1.0.0", undefined],
    ["v0.9.9", "v1.2.0", "v1.0.0", "VersionTooOld"],
    ["v1.0.0-rc1", "v1.2.0", "v1.0.0", "VersionTooOld"],
    ["v1.3.0", "v1.2.0", undefined, "Downgrade"],
    [undefined, "v1.2.0", undefined, undefined],
    [undefined, "v1.2.0", "v1.0.0", "VersionUnknown"],
    ["12 (bookworm)", "v1.2.0", "v1.0.0", "VersionUnknown"],
    ["rolling", "v1.2.0", undefined, undefined],
  ])("from %s to %s, which takes machines from %s on: %s", (running, version, minVersion, reason) => {
    expect(pathRefusal(to(version, minVersion), running, false)?.reason).toBe(reason);
  });

  it("lets a machine go back where that is meant, but not below minVersion", () => {
    expect(pathRefusal(to("v1.0.0"), "v2.0.0", true)).toBeUndefined();
    expect(pathRefusal(to("v1.0.0", "v0.5.0"), "v0.1.0", true)?.reason).toBe("VersionTooOld");
  });

  it("never lets a machine go where it may not, whatever the versions are", () => {
    const part = fc.nat(3);
    const version = fc.tuple(part, part, part).map((parts) => parts.join("."));
    const number = (text: string): number => Number(text.replaceAll(".", ""));
    fc.assert(
      fc.property(version, version, version, fc.boolean(), (running, target, minVersion, allow) => {
        const isRefused = pathRefusal(to(target, minVersion), running, allow) !== undefined;
        const isTooOld = number(running) < number(minVersion);
        expect(isRefused).toBe(isTooOld || (!allow && number(target) < number(running)));
      }),
    );
  });
});

describe("dueVersionStatus", () => {
  const version = (
    more: Partial<ManagedOSVersion["metadata"]>,
    status?: ManagedOSVersion["status"],
  ): ManagedOSVersion => ({
    metadata: { name: "v", namespace: "n", uid: "u", resourceVersion: "1", generation: 2, ...more },
    spec: { version: "1.2.3", metadata: { upgradeImage: IMAGE } },
    ...(status === undefined ? {} : { status }),
  });

  it("says of a version made by hand whether it can be used, once", () => {
    const due = dueVersionStatus(version({}), NOW_MS);
    expect(due?.conditions).toMatchObject([{ type: "Usable", status: "True", observedGeneration: 2 }]);
    expect(dueVersionStatus(version({}, due), NOW_MS + 1_000)).toBeUndefined();
  });

  it("says whether the channel has it, and keeps what others have said", () => {
    const labels = { "rancheros.cattle.io/channel": "stable" };
    const annotations = { "rancheros.cattle.io/channel-no-longer-in-sync": "true" };
    const others = { conditions: [{ type: "Tested", status: "True" as const }] };
    const due = dueVersionStatus(version({ labels, annotations }, others), NOW_MS);
    expect(due?.conditions?.map(({ type, status }) => [type, status])).toEqual([
      ["Tested", "True"],
      ["Usable", "True"],
      ["InSync", "False"],
    ]);
    const again = dueVersionStatus(version({ labels }, due), NOW_MS);
    expect(again?.conditions?.at(-1)).toMatchObject({ type: "InSync", status: "True", reason: "InChannel" });
    expect(dueVersionStatus(version({}, due), NOW_MS)?.conditions?.map(({ type }) => type)).toEqual([
      "Tested",
      "Usable",
    ]);
  });
});

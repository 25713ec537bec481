import { describe, expect, it } from "vitest";
import { cloudConfigDocument } from "../../../src/registration/cloud-config-document.ts";
import { goJson } from "../../../src/rancherd/index.ts";
import { installConfig } from "../../../src/registration/install-config.ts";

const URL_OF_GOLDEN =
  "https://rancher.example.test/v1-rancheros/registration/5c297kgwjrs55qwml529phv4fjv2lx66b7mwtlxs9k4k768dkfhpnc";

const MACHINE = {
  name: "m-dell-7x9-bcdfg",
  ekHash: "ab".repeat(32),
  smbios: { "System Information": { Manufacturer: "Dell Inc.", "Serial Number": "7X9" } },
};
/** As the original knows it: the same for all machines. */
const configOf = (cloudConfig: Parameters<typeof installConfig>[0], serverUrl: string, machine = MACHINE): string =>
  installConfig(cloudConfig, serverUrl, machine);

describe("installConfig", () => {
  it("adds where to go on from there, and keeps the rest", () => {
    const text = configOf(
      {
        users: [{ name: "root", passwd: "x" }],
        rancheros: { install: { device: "/dev/sda", debug: true } },
        rancherd: { role: "server", labels: ["a=b"] },
      },
      "https://rancher.example.test",
    );
    expect(text.endsWith("}\n")).toBe(true);
    expect(JSON.parse(text)).toEqual({
      users: [{ name: "root", passwd: "x" }],
      rancheros: { install: { device: "/dev/sda", debug: true, automatic: true } },
      rancherd: { role: "server", labels: ["a=b"], server: "https://rancher.example.test", token: "tpm://" },
    });
  });

  it("wins over what the registration says of server, token and automatic", () => {
    const config = {
      rancherd: { server: "https://elsewhere", token: "mine" },
      rancheros: { install: { automatic: false } },
    };
    expect(JSON.parse(configOf(config, "https://here"))).toEqual({
      rancherd: { server: "https://here", token: "tpm://" },
      rancheros: { install: { automatic: true } },
    });
  });

  it.each([undefined, null, {}, { rancherd: "text", rancheros: [1] }])("copes with the cloud config %j", (config) => {
    expect(JSON.parse(configOf(config, "https://here"))).toEqual({
      rancherd: { server: "https://here", token: "tpm://" },
      rancheros: { install: { automatic: true } },
    });
  });

  it("is written as Go writes it: sorted, HTML characters escaped", () => {
    expect(configOf({ b: "<&>", a: 1 }, "https://here")).toBe(
      String.raw`{"a":1,"b":"\u003c\u0026\u003e","rancherd":{"server":"https://here","token":"tpm://"},"rancheros":{"install":{"automatic":true}}}` +
        "\n",
    );
  });
});

describe("a host name in it", () => {
  const hostnameOf = (hostname: unknown, machine = MACHINE): unknown =>
    (JSON.parse(configOf({ hostname }, "https://here", machine)) as { hostname?: unknown }).hostname;

  it("is made of the machine's SMBIOS where it is a template", () => {
    expect(hostnameOf("node-${System Information/Serial Number}")).toBe("node-7x9");
    expect(hostnameOf("node-${System Information/Family}")).toBe(MACHINE.name);
    // No machine takes it for a name, nor anything else of that cloud config.
    for (const open of ["${", "node-${System Information/Serial Number", "}${"])
      expect(hostnameOf(open)).toBe(MACHINE.name);
  });

  it.each([
    "edge",
    "Edge_1 ",
    "cos-{{ trunc 4 .Random }}",
    "a$b{c}",
    "",
    7,
    true,
    null,
    ["${System Information/Serial Number}"],
    { name: "${System Information/Serial Number}" },
  ])("passes through as it is where it is none: %j", (hostname) => {
    const before = { z: 1, hostname, fqdn: "${System Information/Serial Number}.example.com", a: "${a/b}" };
    const added = {
      rancherd: { server: "https://here", token: "tpm://" },
      rancheros: { install: { automatic: true } },
    };
    expect(configOf(before, "https://here")).toBe(goJson({ ...before, ...added }));
  });

  it("is looked for at the top only, and nothing is changed in the registration itself", () => {
    const hostname = "n-${System Information/Serial Number}";
    const cloudConfig = { hostname, stages: { boot: [{ hostname }] } };
    expect(JSON.parse(configOf(cloudConfig, "https://here"))).toMatchObject({
      hostname: "n-7x9",
      stages: { boot: [{ hostname }] },
    });
    expect(cloudConfig.hostname).toBe(hostname);
  });

  it("cannot leave its place in the document, whatever the SMBIOS says", () => {
    const serial = 'x"}\nruncmd: ["reboot"]\n#${System Information/Manufacturer}$(reboot)`reboot`\u0000\u2028';
    const smbios = { "System Information": { Manufacturer: "Dell Inc.", "Serial Number": serial } };
    const text = configOf({ hostname: "${System Information/Serial Number}" }, "https://here", { ...MACHINE, smbios });
    expect(Object.keys(JSON.parse(text) as object)).toEqual(["hostname", "rancherd", "rancheros"]);
    expect(hostnameOf("${System Information/Serial Number}", { ...MACHINE, smbios })).toBe(
      "x-runcmd-reboot-system-information-manufacturer-reboot-reboot",
    );
  });
});

describe("cloudConfigDocument", () => {
  // Origin: the original operator's answer to a plain GET, 173 bytes.
  it("is byte for byte the original's where machines need no CA", () => {
    const text = cloudConfigDocument(URL_OF_GOLDEN, undefined);
    expect(text).toBe(`#cloud-config\nrancheros:\n    install:\n        registrationURL: ${URL_OF_GOLDEN}\n`);
    expect(Buffer.byteLength(text)).toBe(173);
  });

  it("carries the CA where there is one", () => {
    const pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    expect(cloudConfigDocument("https://x/y", pem)).toContain(
      "registrationCACert: |\n            -----BEGIN CERTIFICATE-----\n            AAAA\n",
    );
  });
});

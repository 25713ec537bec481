/** Which files rancherd reads, in which order, and what it passes over. Source of the cases: rancherd pkg/config/types.go */
import { describe, expect, it } from "vitest";

import { collectConfig, hideSecrets, leavesOf, plainValue, type ConfigFiles } from "../../../src/rancherd/index.ts";

const PLACES = [
  "/usr/share/oem/rancher/rancherd/config.yaml",
  "/usr/share/rancher/rancherd/config.yaml",
  "/oem/userdata",
  "/oem/99_custom.yaml",
  "/oem/rancher/rancherd/config.yaml",
  "/var/lib/cloud/instance/user-data.txt",
  "/etc/rancher/rancherd/config.yaml",
];

/** Folders follow from the paths of the files. */
function machine(files: Readonly<Record<string, string>>): ConfigFiles {
  const paths = Object.keys(files);
  return {
    async readFile(path) {
      const text = files[path];
      if (text !== undefined) return { kind: "file", text };
      return paths.some((one) => one.startsWith(`${path}/`))
        ? { kind: "unreadable", why: "a folder" }
        : { kind: "missing" };
    },
    async listFolder(path) {
      const names = paths.filter((one) => one.startsWith(`${path}/`)).map((one) => one.slice(path.length + 1));
      if (names.length === 0) return undefined;
      const entries = new Map(names.map((name) => [name.split("/")[0] ?? "", name.includes("/")]));
      return [...entries]
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([name, isFolder]) => ({ name, isFolder }));
    },
  };
}

describe("rancherd's configuration", () => {
  it("is merged in the order of its places, and the last wins", async () => {
    const files = Object.fromEntries(PLACES.map((path, index) => [path, `role: r${index}\nlabels: [l${index}]\n`]));
    const { config, read } = await collectConfig(machine(files));
    expect(read).toEqual(PLACES);
    expect(plainValue(config)).toEqual({ role: "r6", labels: PLACES.map((_path, index) => `l${index}`) });
    expect(leavesOf(config).map(({ path, origin }) => [path, origin])).toEqual([
      ["role", PLACES[6]],
      ...PLACES.map((path, index) => [`labels[${index}]`, path]),
    ]);
  });

  it("takes drop-ins after their file, and drop-ins of drop-ins", async () => {
    const last = "/etc/rancher/rancherd/config.yaml";
    const { read } = await collectConfig(
      machine({
        [`${last}.d/b.yml`]: "a: 1\n",
        [`${last}.d/a.yaml`]: "a: 1\n",
        [`${last}.d/a.yaml.d/x.yaml`]: "a: 1\n",
        [`${last}.d/c.YAML`]: "a: 1\n",
        [`${last}.d/folder.yaml/y.yaml`]: "a: 1\n",
        "/oem/userdata.d/u.yaml": "a: 1\n",
        [last]: "a: 1\n",
      }),
    );
    expect(read).toEqual([
      "/oem/userdata.d/u.yaml",
      last,
      `${last}.d/a.yaml`,
      `${last}.d/a.yaml.d/x.yaml`,
      `${last}.d/b.yml`,
    ]);
  });

  it("takes the YAML files of a folder that has a place's name, in any case", async () => {
    const { read, skipped } = await collectConfig(
      machine({ "/oem/userdata/B.YAML": "a: 1\n", "/oem/userdata/a.yml": "a: 1\n", "/oem/userdata/c.txt": "a: 1\n" }),
    );
    expect(read).toEqual(["/oem/userdata/B.YAML", "/oem/userdata/a.yml"]);
    expect(skipped).toEqual([{ path: "/oem/userdata", why: "a folder", fatal: false }]);
  });

  it("passes over a broken file with all of its drop-ins, except in the last place, where it is fatal", async () => {
    const last = "/etc/rancher/rancherd/config.yaml";
    const { config, skipped } = await collectConfig(
      machine({
        "/oem/userdata": "role: a\n",
        "/oem/userdata.d/x.yaml": "secret: [\n",
        "/oem/99_custom.yaml": "server: b\n",
        [last]: "- x\n",
      }),
    );
    expect(plainValue(config)).toEqual({ server: "b" });
    expect(skipped).toMatchObject([
      { path: "/oem/userdata", fatal: false, why: expect.stringMatching(/at line 2, column 1/) as string },
      { path: last, fatal: true, why: "it is not a map" },
    ]);
  });

  it("takes resources from manifests, unless a file names resources", async () => {
    const manifest = "apiVersion: v1\nkind: ConfigMap\n---\nkind: NoVersion\n";
    const files = {
      "/oem/rancher/rancherd/manifests/sub/a.yaml": manifest,
      "/usr/share/rancher/rancherd/manifests/b.yaml": "apiVersion: v1\nkind: Secret\ndata: {k: c2VjcmV0}\n",
    };
    const { config } = await collectConfig(machine(files));
    expect(plainValue(hideSecrets(config))).toEqual({
      resources: [
        { apiVersion: "v1", kind: "Secret", data: { k: "(hidden)" } },
        { apiVersion: "v1", kind: "ConfigMap" },
      ],
    });
    const given = await collectConfig(machine({ ...files, "/oem/userdata": "resources: []\n" }));
    expect(plainValue(given.config)).toEqual({ resources: [] });
  });

  it("names what rancherd does not know, and what ends it", async () => {
    const { remarks } = await collectConfig(
      machine({ "/oem/userdata": "lables: [a]\nServer: x\nlabels: a\nrole: [b]\n" }),
    );
    expect(remarks.map(({ kind, sentence }) => `${kind}: ${sentence}`)).toEqual([
      "warning: rancherd knows no key lables; did you mean labels?",
      "warning: Server is read as server",
      "fatal: labels has to be a list of texts",
      "fatal: role has to be a text",
    ]);
  });

  it.each([
    ["role: ''\nserver: s\ntoken: t\n", true],
    ["server: s\ntoken: t\nrole: server\n", false],
    ["server: s\n", false],
  ])("asks the server for the rest where it has server and token and no role: %j", async (text, expected) => {
    expect((await collectConfig(machine({ "/oem/userdata": text }))).asksRemote).toBe(expected);
  });

  it("shows no secrets", async () => {
    const secret = "canary-s3cret";
    const { config } = await collectConfig(
      machine({
        "/oem/userdata": `token: ${secret}
rancherValues: {bootstrapPassword: ${secret}, nested: {api_key: ${secret}}}
registries: {configs: {r: {auth: {username: u, password: ${secret}}}}, mirrors: {m: {endpoint: ["https://u:${secret}@h"]}}}
preInstructions: [{name: x, env: [A=1, DB_PASSWORD=${secret}], args: ["--token=${secret}"]}]
extraConfig: {etcd-s3-secret-key: ${secret}}
kubernetesVersion: v1
`,
      }),
    );
    const shown = JSON.stringify(plainValue(hideSecrets(config)));
    expect(shown).not.toContain(secret);
    expect(shown).toContain('"kubernetesVersion":"v1"');
    expect(shown).toContain('"A=1"');
  });
});

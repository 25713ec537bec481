/** What several cloud-configs say together. */
import { expect, it } from "vitest";

import { mergeConfigs, type CloudConfig } from "../../../src/cloud-config/cloud-config.ts";
import { parseCloudConfig } from "../../../src/cloud-config/parse-cloud-config.ts";

function usersOf(...texts: readonly string[]): CloudConfig["users"] {
  const configs = texts.map((text) => {
    const { config, findings } = parseCloudConfig(Buffer.from(`#cloud-config\nusers: ${text}\n`));
    if (config === undefined) throw new Error(JSON.stringify(findings));
    return config;
  });
  return mergeConfigs(configs).users;
}

const HASH = "$6$canarysalt$canaryhashcanaryhash";
const [A, B] = ["A", "B"].map((letter) => `ssh-ed25519 ${letter.repeat(68)}`);

it("give a user that stands in two of them the groups and keys of both, and its password", () => {
  expect(
    usersOf(
      `[{name: root, passwd: ${HASH}, groups: [wheel], ssh_authorized_keys: ["${A}"]}, {name: other}]`,
      `[{name: root, groups: [docker, wheel], ssh_authorized_keys: ["${B}", "${A}"]}]`,
    ),
  ).toEqual([
    { name: "root", passwordHash: HASH, groups: ["wheel", "docker"], authorizedKeys: [A, B] },
    { name: "other", groups: [], authorizedKeys: [] },
  ]);
});

it("let the later one say what there can be one of, and the earlier one what the later does not say", () => {
  expect(
    usersOf(
      "[{name: a, shell: /bin/sh, gecos: A, system: true, no_create_home: true, lock_passwd: false}]",
      "[{name: a, shell: /bin/bash, no_create_home: false}]",
      "[{name: a, gecos: B}]",
    ),
  ).toEqual([
    {
      name: "a",
      shell: "/bin/bash",
      gecos: "B",
      isSystem: true,
      withoutHome: false,
      isLocked: false,
      groups: [],
      authorizedKeys: [],
    },
  ]);
});

// Exit status 0 when what npm recorded in node_modules agrees with package-lock.json. Run by the machine's own Node,
// which may be old, before node_modules can be trusted: hence CommonJS without types.
/* oxlint-disable typescript/no-unsafe-assignment, typescript/no-unsafe-call, typescript/no-unsafe-member-access, typescript/no-unsafe-return --
   plain JavaScript: there are no types to be safe with */
"use strict";
const { readFileSync } = require("node:fs");
const { join } = require("node:path");

const root = process.argv[2];
const packagesOf = (...path) => JSON.parse(readFileSync(join(root, ...path), "utf8")).packages;
const wanted = packagesOf("package-lock.json");
const installed = packagesOf("node_modules", ".package-lock.json");

const names = Object.keys(wanted).filter((name) => name !== "" && name.includes("node_modules/"));
const agrees = names.every((name) => {
  const there = installed[name];
  // npm leaves out what is for another system.
  if (there === undefined) return wanted[name].optional === true;
  return there.version === wanted[name].version && there.integrity === wanted[name].integrity;
});
const nothingElse = Object.keys(installed).every((name) => name in wanted);
process.exitCode = agrees && nothingElse ? 0 : 1;

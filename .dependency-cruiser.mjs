// Who may import whom. scripts/check-layers.ts runs these rules, and test/unit/layers proves that each of them bites.

/** Node's own modules that reach outside the process. Not net: its isIP is a computation that many decisions need. */
const OUTSIDE =
  "^(child_process|cluster|dgram|dns|fs|http|http2|https|inspector|os|readline|repl|sqlite|tls|tty|worker_threads)(/|$)";
/** Packages that reach outside the process. */
const OUTSIDE_PACKAGES = "^node_modules/(@kubernetes/client-node|pino|prom-client|systeminformation|undici|ws)/";

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    {
      name: "protocol-stands-alone",
      comment: "The protocol is what both programs agree on: it may use typebox and Node's own modules, nothing else.",
      severity: "error",
      from: { path: "^packages/protocol/src/" },
      to: { pathNot: ["^packages/protocol/src/", "^node_modules/typebox/"], dependencyTypesNot: ["core"] },
    },
    {
      name: "protocol-does-no-io",
      comment: "The protocol computes; reaching outside is the business of the agent and the operator.",
      severity: "error",
      from: { path: "^packages/protocol/src/" },
      to: { path: OUTSIDE, dependencyTypes: ["core"] },
    },
    {
      name: "keyless-uses-protocol-only",
      comment: "protocol <- keyless: one computation, that both programs load when they need it.",
      severity: "error",
      from: { path: "^packages/keyless/" },
      to: { path: "^packages/", pathNot: ["^packages/(keyless|protocol)/"] },
    },
    {
      name: "keyless-is-loaded-late",
      comment: "Sigstore's verifier is large: who has no such signature before him does not wait for it.",
      severity: "error",
      from: { path: "^packages/(agent|operator)/src/" },
      to: { path: "^packages/keyless/", dependencyTypesNot: ["dynamic-import", "type-only"] },
    },
    {
      name: "agent-uses-protocol-only",
      comment: "protocol <- agent <- cli; the agent and the operator never meet.",
      severity: "error",
      from: { path: "^packages/agent/" },
      to: { path: "^packages/", pathNot: ["^packages/(agent|protocol|keyless)/"] },
    },
    {
      name: "operator-uses-protocol-only",
      comment: "protocol <- operator; the agent and the operator never meet.",
      severity: "error",
      from: { path: "^packages/operator/" },
      to: { path: "^packages/", pathNot: ["^packages/(operator|protocol|keyless)/"] },
    },
    {
      name: "cli-uses-agent-and-protocol-only",
      comment: "protocol <- agent <- cli; the command line runs on nodes, where no operator is.",
      severity: "error",
      from: { path: "^packages/cli/" },
      to: { path: "^packages/", pathNot: ["^packages/(cli|agent|protocol)/"] },
    },
    {
      name: "packages-meet-at-their-exports",
      comment:
        "Another package is imported by its name (@rancheros/...), so that its package.json says what is public; test vectors may be read where they are.",
      severity: "error",
      from: { path: "^packages/([^/]+)/" },
      to: { path: "^packages/", pathNot: ["^packages/$1/", "/testdata/"], dependencyTypes: ["local"] },
    },
    {
      name: "domains-meet-at-their-index",
      comment: "A domain's index.ts says what other domains may use; its other files are its own business.",
      severity: "error",
      from: { path: "^packages/(protocol|agent|operator)/src/([^/]+)/" },
      to: { path: "^packages/$1/src/[^/]+/", pathNot: ["^packages/$1/src/$2/", "^packages/$1/src/[^/]+/index[.]ts$"] },
    },
    {
      name: "io-is-handed-in",
      comment:
        "Flows and decisions get their io as an argument and import at most its types; index.ts and the package's entry files put the two together.",
      severity: "error",
      from: { path: "^packages/(agent|operator)/src/[^/]+/", pathNot: ["/src/[^/]+/io/", "/src/[^/]+/index[.]ts$"] },
      to: { path: "^packages/[^/]+/src/[^/]+/io/", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "outside-is-touched-in-io",
      comment: "Files, sockets and processes belong into the domain's io/, so that the path tells which files decide.",
      severity: "error",
      from: { path: "^packages/(agent|operator)/src/[^/]+/", pathNot: ["/src/[^/]+/io/"] },
      to: { path: [OUTSIDE, OUTSIDE_PACKAGES], dependencyTypesNot: ["type-only"] },
    },
    {
      name: "product-does-not-import-tests",
      comment: "What ships must not depend on tests, benchmarks and scripts.",
      severity: "error",
      from: { path: "^packages/[^/]+/src/" },
      to: { path: ["^(test|bench|scripts)/", "^packages/[^/]+/test/"] },
    },
    {
      name: "tests-stay-with-tests",
      comment: "A package's tests may use the root's test/ (the real control plane), not its scripts and benchmarks.",
      severity: "error",
      from: { path: "^packages/[^/]+/test/" },
      to: { path: "^(bench|scripts)/" },
    },
    {
      name: "declared-dependencies-only",
      comment:
        "A package that is found only because another one hoisted it is missing when this one is bundled or installed alone.",
      severity: "error",
      from: { path: "^packages/[^/]+/src/" },
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown", "npm-dev"] },
    },
    {
      name: "nothing-unresolvable",
      comment: "An import that leads nowhere hides from every other rule.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: "no-cycles",
      comment: "Files that need each other cannot be understood or tested one at a time.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
  ],
  options: {
    // TypeScript 7 has no programming interface, and the default parser does not know type-only imports and exports.
    parser: "swc",
    tsPreCompilationDeps: true,
    moduleSystems: ["es6", "cjs"],
    doNotFollow: { path: "^node_modules/" },
    exclude: { path: "(^|/)dist/" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
      extensions: [".ts", ".js", ".mjs", ".cjs", ".json", ".node"],
    },
  },
};

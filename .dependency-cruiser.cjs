/**
 * The arrows between packages (docs/architecture.md): a package imports only what stands beside its name. `types` are
 * allowed as `import type` only. Whatever is not listed is forbidden, so a new package needs a line here.
 */
const arrows = {
  platform: {},
  resource: {},
  cel: { code: ["resource"] },
  score: { code: ["resource"] },
  store: { code: ["platform", "resource"] },
  client: { code: ["platform", "resource"] },
  apiserver: { code: ["platform", "resource", "cel", "store"] },
  engine: { code: ["platform", "resource", "store"] },
  sim: { code: ["platform", "resource", "store", "apiserver", "engine"] },
  cluster: { code: ["platform", "resource", "client", "engine"], types: ["store"] },
  "modules/runtime": { code: ["platform", "resource", "client", "engine", "cluster"], types: ["store"] },
  "modules/environment": { code: ["platform", "resource", "engine", "cluster"] },
  "modules/helm": { code: ["platform", "resource", "client", "cluster", "modules/runtime"] },
  "modules/support": { code: ["platform", "resource", "cel", "client", "engine", "cluster", "modules/helm", "modules/environment", "modules/runtime"] },
  "modules/dependency": { code: ["platform", "resource", "cel", "engine", "cluster", "modules/helm", "modules/environment", "modules/support"] },
  "modules/workload": {
    code: ["platform", "resource", "score", "client", "engine", "cluster", "modules/helm", "modules/environment", "modules/support", "modules/dependency"],
    types: ["store"],
  },
  server: {
    code: [
      "platform",
      "resource",
      "store",
      "client",
      "apiserver",
      "engine",
      "cluster",
      "modules/runtime",
      "modules/environment",
      "modules/helm",
      "modules/support",
      "modules/dependency",
      "modules/workload",
    ],
  },
  simulate: { code: ["platform", "resource", "store", "apiserver", "engine", "modules/runtime", "server", "sim"] },
  cli: { code: ["platform", "resource", "score", "client"] },
};

/** Tests may start whatever they need, in whatever package it lives. */
const tests = "(\\.test\\.ts|\\.test-support\\.ts|/testing/.*|/proofs/.*)$";
const folders = (names) => `^packages/(${names.join("|")})/`;

const forbidden = Object.entries(arrows).flatMap(([name, { code = [], types = [] }]) => {
  const from = { path: `^packages/${name}/src/`, pathNot: tests };
  const mayName = [name, ...code, ...types];
  const rules = [
    {
      name: `${name}-imports`,
      comment: `packages/${name} may import ${[...code, ...types.map((type) => `${type} (types)`)].join(", ") || "nothing of ours"}`,
      severity: "error",
      from,
      to: { path: "^packages/", pathNot: folders(mayName) },
    },
  ];
  if (types.length === 0) return rules;
  return [
    ...rules,
    {
      name: `${name}-imports-types`,
      comment: `packages/${name} may import only types of ${types.join(", ")}`,
      severity: "error",
      from,
      to: { path: folders(types), dependencyTypesNot: ["type-only"] },
    },
  ];
});

module.exports = {
  forbidden: [
    ...forbidden,
    {
      name: "known-package",
      comment: "every package has its line in .dependency-cruiser.cjs",
      severity: "error",
      from: { path: "^packages/", pathNot: folders(Object.keys(arrows)) },
      to: {},
    },
    {
      name: "public-entries",
      comment: "another package is entered by the entries of its package.json (for example @threeport/store/embedded), never by a path into its source",
      severity: "error",
      from: { path: "^packages/((?:modules/)?[^/]+)/src/" },
      to: { path: "^packages/", pathNot: "^packages/$1/", dependencyTypes: ["local"] },
    },
    {
      name: "no-tests-in-products",
      comment: "what a product runs never loads test code",
      severity: "error",
      from: { path: "^packages/", pathNot: tests },
      to: { path: tests },
    },
    {
      name: "no-cycles",
      comment: "files that need each other are one file",
      severity: "error",
      from: { path: "^packages/" },
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only", "dynamic-import"] } },
    },
    { name: "resolvable", comment: "an import must lead somewhere", severity: "error", from: {}, to: { couldNotResolve: true } },
    {
      name: "declared",
      comment: "what a package imports stands in its package.json",
      severity: "error",
      from: { path: "^packages/", pathNot: tests },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
      extensions: [".ts", ".mts", ".js", ".mjs", ".cjs", ".json", ".d.ts"],
    },
    combinedDependencies: false,
  },
};

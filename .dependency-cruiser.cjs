/**
 * The design's layers (docs/decisions/0001-layers.md), all as errors.
 * functions: triggers → operator → intake | recovery → delivery → targets → flows → dynamics → platform.
 */
const layers = [
  "triggers",
  "operator",
  "intake|recovery",
  "delivery",
  "targets",
  "flows",
  "dynamics",
  "platform",
];

const layerRules = layers.slice(1).map((layer, index) => ({
  name: `functions-${layer.replace("|", "-")}-looks-only-down`,
  comment: "A layer may use what is right of it in the chain, never what is left of it.",
  severity: "error",
  from: { path: `^functions/src/(${layer})/` },
  to: { path: `^functions/src/(${layers.slice(0, index + 1).join("|")})/` },
}));

module.exports = {
  forbidden: [
    {
      name: "no-cycles",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    ...layerRules,
    {
      name: "functions-stand-alone",
      comment: "The function app is deployed alone: it knows neither its cloud nor the local one.",
      severity: "error",
      from: { path: "^functions/" },
      to: { path: "^(infra|local|cli|console|test|bench)/" },
    },
    {
      name: "console-knows-answers-only",
      comment: "The page runs in a browser: of the function app it knows the types of its answers.",
      severity: "error",
      from: { path: "^console/" },
      to: {
        path: "^(functions|infra|local|cli|test|bench)/",
        pathNot: "^functions/src/operator/reads/answers\\.ts$",
      },
    },
    {
      name: "infra-reads-data-only",
      severity: "error",
      from: { path: "^infra/" },
      to: { path: "^(functions|local|cli|test|bench)/" },
    },
    {
      name: "local-is-only-a-host",
      comment: "The local Azure runs the built function app; it never calls into its source.",
      severity: "error",
      from: { path: "^local/" },
      to: { path: "^functions/" },
    },
    {
      name: "state-machines-have-no-sockets",
      severity: "error",
      from: {
        path: "^local/(service-bus/(broker|queue|topic|subscription|message-store|registry|rules)|event-grid/delivery|logic-apps/(run-workflow|evaluate))[^/]*\\.ts$",
      },
      to: { path: "^(node:)?(net|http|https|tls|rhea|hono)", dependencyTypes: ["core", "npm"] },
    },
    {
      name: "nothing-imports-tests",
      severity: "error",
      from: { pathNot: "^(test|bench)/" },
      to: { path: "^test/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(node_modules|dist|\\.local)/" },
    includeOnly:
      "^(functions|console|infra|local|cli|schemas|flows|logicapps|scripts|test|bench)/|^node:|^(rhea|hono)$",
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { conditionNames: ["import", "node", "default"] },
  },
};

import { createRequire } from "node:module";
import { dirname } from "node:path";
import type { Plugin } from "esbuild";

/**
 * What the Application Insights SDK brings for ways of running it that are not ours: exporters to other
 * collectors, their wire formats, and instrumentation of libraries, all of which we switch off.
 */
const unused =
  /^(@opentelemetry\/(exporter-.+|otlp-.+|configuration|propagator-.+|instrumentation|instrumentation-.+|sql-common|redis-common|winston-transport)|@grpc\/.+|@azure\/opentelemetry-instrumentation-azure-sdk|diagnostic-channel(-publishers)?(\/.+)?|(import|require)-in-the-middle)$/;

const openTelemetry = /^@opentelemetry\//;

/** Whatever is asked of it can be named, extended, made and called, and does nothing. */
const inert = `
const inert = new Proxy(function () {}, {
  get: (target, name) =>
    name === "__esModule" ? true
    : name === "then" || typeof name === "symbol" ? undefined
    : name === "prototype" ? target.prototype
    : inert,
  apply: () => inert,
  construct: () => inert,
});
module.exports = inert;
`;

/**
 * Halves the bundle: leaves `unused` out, and takes every OpenTelemetry package once, as the Azure
 * Monitor distribution gets it. npm installs up to 23 copies of one version, because the root's place is
 * taken by another one.
 */
export const leanTelemetry: Plugin = {
  name: "lean-telemetry",
  setup(build) {
    const sdk = createRequire(import.meta.resolve("applicationinsights"));
    const distribution = dirname(sdk.resolve("@azure/monitor-opentelemetry"));
    build.onResolve({ filter: unused }, ({ path }) => ({ path, namespace: "unused" }));
    build.onLoad({ filter: /.*/, namespace: "unused" }, () => ({ contents: inert, loader: "js" }));
    build.onResolve({ filter: openTelemetry }, async ({ path, kind, pluginData }) => {
      if (pluginData === distribution) return undefined;
      const found = await build.resolve(path, {
        kind,
        resolveDir: distribution,
        pluginData: distribution,
      });
      // A package that only others have is resolved where they stand.
      return found.errors.length === 0 ? found : undefined;
    });
  },
};

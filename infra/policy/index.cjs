/*
 * Pulumi's runner of policy packs loads the pack by `require`, with a compiler of its own for TypeScript that
 * takes neither our imports nor options of PulumiPolicy.yaml: so it is given this file, and tsx does the rest.
 */
require("tsx/cjs/api").register();
require("./pack.ts");

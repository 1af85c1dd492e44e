#!/usr/bin/env node
// The bin entry has to be JavaScript; everything else of the command line is TypeScript under tsx.
import { register } from "tsx/esm/api";

register();
await import("./causeway.ts");

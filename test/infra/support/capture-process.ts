/**
 * A process of its own for runs of the program: asked with a line of JSON on standard input, it answers with one on
 * standard output. Inside jest, loading Pulumi and its Azure package takes each file 6 s.
 */
import { text } from "node:stream/consumers";
import { createStack } from "../../../infra/program.ts";
import { createLocalAzure } from "../../../local/deploy/local-azure.ts";
import { runProgram } from "../../../local/deploy/run-program.ts";
import { createFakeCloud } from "../fake-cloud.ts";
import type { Captured, CaptureOrder } from "../capture-stack.ts";

async function capture({ stack, config }: CaptureOrder): Promise<Captured> {
  const cloud = createFakeCloud();
  const result = await runProgram({
    ...createLocalAzure(cloud),
    program: createStack,
    stack,
    config,
    secretKeys: ["causeway:crmClientSecret", "causeway:ownerWebhooks"],
  });
  return { ...result, calls: cloud.calls, assignments: cloud.access.assignments() };
}

const captured: Captured[] = [];
for (const order of JSON.parse(await text(process.stdin)) as readonly CaptureOrder[]) {
  captured.push(await capture(order));
}
process.stdout.write(JSON.stringify(captured));

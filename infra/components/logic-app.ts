import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { Workflow } from "@pulumi/azure-native/logic/index.js";
import { sendDiagnostics } from "./diagnostics.ts";
import type { Identity } from "./identities.ts";
import type { Placement } from "./placement.ts";

export interface LogicAppArgs extends Placement {
  /** Folder under `logicapps/`. */
  readonly workflow: string;
  readonly logicAppsFolder: string;
  readonly identity: Identity;
  /** Values for the definition's parameters; those that it does not declare are left out. */
  readonly parameters: Readonly<Record<string, pulumi.Input<string>>>;
  readonly caller: {
    readonly tenantId: pulumi.Input<string>;
    readonly principalId: pulumi.Input<string>;
    readonly audience: string;
    /** The only address that it calls from; undefined where it has no fixed one. */
    readonly address: pulumi.Input<string> | undefined;
  };
}

interface Definition {
  readonly parameters?: Readonly<Record<string, { readonly defaultValue?: unknown }>>;
}

/** A Consumption workflow that only the function app's identity may call, by token and never by key. */
export class LogicApp extends pulumi.ComponentResource {
  readonly workflowId: pulumi.Output<string>;
  readonly accessEndpoint: pulumi.Output<string>;

  constructor(name: string, args: LogicAppArgs, opts?: pulumi.ComponentResourceOptions) {
    super("causeway:workflow:LogicApp", name, {}, opts);
    const definition = readDefinition(args.logicAppsFolder, args.workflow);
    const workflow = new Workflow(
      `${name}-workflow`,
      {
        resourceGroupName: args.resourceGroupName,
        workflowName: args.nameOf("workflow", args.workflow),
        definition,
        parameters: toParameters(args, definition),
        state: "Enabled",
        identity: { type: "UserAssigned", userAssignedIdentities: [args.identity.id] },
        accessControl: {
          triggers: {
            openAuthenticationPolicies: { policies: toPolicies(args.caller) },
            ...(args.caller.address === undefined
              ? {}
              : {
                  allowedCallerIpAddresses: [
                    { addressRange: pulumi.interpolate`${args.caller.address}/32` },
                  ],
                }),
          },
        },
        tags: args.tags,
      },
      { parent: this },
    );
    sendDiagnostics(name, { resourceUri: workflow.id, workspaceId: args.workspaceId }, this);
    this.workflowId = workflow.id;
    this.accessEndpoint = workflow.accessEndpoint;
    this.registerOutputs({ workflowId: this.workflowId });
  }
}

function readDefinition(folder: string, workflow: string): Definition {
  const path = join(folder, workflow, "workflow.json");
  const file = JSON.parse(readFileSync(path, "utf8")) as { readonly definition?: Definition };
  return file.definition ?? (file as Definition);
}

function toParameters(
  args: LogicAppArgs,
  definition: Definition,
): Readonly<Record<string, { readonly value: pulumi.Input<string> }>> {
  return Object.fromEntries(
    Object.entries(definition.parameters ?? {}).flatMap(([name, declared]) => {
      const value = args.parameters[name];
      if (value !== undefined) return [[name, { value }]];
      if (declared.defaultValue !== undefined) return [];
      throw new pulumi.InputPropertyError({
        propertyPath: `parameters.${name}`,
        reason: `is declared by ${args.workflow} without a default, and nothing gives it a value`,
      });
    }),
  );
}

/** One policy per spelling of the audience: tokens carry it with or without the slash at its end. */
function toPolicies(caller: LogicAppArgs["caller"]) {
  const audience = caller.audience.replace(/\/+$/, "");
  const policy = (aud: string) => ({
    type: "AAD",
    claims: [
      { name: "iss", value: pulumi.interpolate`https://sts.windows.net/${caller.tenantId}/` },
      { name: "aud", value: aud },
      { name: "oid", value: caller.principalId },
    ],
  });
  return { "function-app": policy(audience), "function-app-slash": policy(`${audience}/`) };
}

import * as pulumi from "@pulumi/pulumi";
import { UserAssignedIdentity } from "@pulumi/azure-native/managedidentity/index.js";
import type { Placement } from "./placement.ts";

export interface IdentitiesArgs extends Pick<Placement, "resourceGroupName" | "nameOf" | "tags"> {
  /** One identity each, so that a role given to one is held by nobody else. */
  readonly holders: readonly string[];
}

export interface Identity {
  readonly id: pulumi.Output<string>;
  readonly principalId: pulumi.Output<string>;
  readonly clientId: pulumi.Output<string>;
}

/** User-assigned identities: they exist before their holders, so roles can come first. */
export class Identities extends pulumi.ComponentResource {
  readonly #identities: ReadonlyMap<string, Identity>;

  constructor(name: string, args: IdentitiesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("causeway:identity:Identities", name, {}, opts);
    this.#identities = new Map(
      args.holders.map((holder) => {
        const identity = new UserAssignedIdentity(
          `${name}-${holder}`,
          {
            resourceGroupName: args.resourceGroupName,
            resourceName: args.nameOf("identity", holder),
            tags: args.tags,
          },
          { parent: this },
        );
        return [holder, identity] as const;
      }),
    );
    this.registerOutputs({});
  }

  of(holder: string): Identity {
    const identity = this.#identities.get(holder);
    if (identity === undefined) throw new Error(`There is no identity for ${holder}.`);
    return identity;
  }
}

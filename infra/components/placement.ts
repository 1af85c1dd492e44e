import type * as pulumi from "@pulumi/pulumi";
import type { Namer } from "../naming.ts";

/** Where a component's resources go and what they share. */
export interface Placement {
  readonly resourceGroupName: pulumi.Input<string>;
  readonly nameOf: Namer;
  readonly tags: Readonly<Record<string, string>>;
  /** Log Analytics workspace that every resource reports to. */
  readonly workspaceId: pulumi.Input<string>;
  /** True keeps `pulumi destroy` and replacements away from what holds data. */
  readonly isProtected: boolean;
  /** True closes the public side of everything but the doors. */
  readonly isPrivate: boolean;
}

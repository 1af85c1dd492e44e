import { describe, expect, it } from "@jest/globals";
import {
  ChainedTokenCredential,
  ClientAssertionCredential,
  ClientSecretCredential,
} from "@azure/identity";
import { createDeployerCredential } from "../../../../infra/scripts/deployer-credential.ts";

const app = { ARM_CLIENT_ID: "client", ARM_TENANT_ID: "11111111-1111-1111-1111-111111111111" };

describe("who sends the package", () => {
  it.each([
    [
      "the pipeline, by the token that it was given",
      { ARM_OIDC_TOKEN: "t" },
      ClientAssertionCredential,
    ],
    [
      "GitHub's job, by a token that it asks for",
      { ACTIONS_ID_TOKEN_REQUEST_URL: "https://token", ACTIONS_ID_TOKEN_REQUEST_TOKEN: "t" },
      ClientAssertionCredential,
    ],
    ["an app with a secret", { ARM_CLIENT_SECRET: "s" }, ClientSecretCredential],
    ["whoever is signed in", {}, ChainedTokenCredential],
  ])("is %s", (_who, env, credential) => {
    expect(createDeployerCredential({ ...app, ...env })).toBeInstanceOf(credential);
  });

  it("is whoever is signed in to the az CLI before anybody whom the machine itself is", () => {
    const { _sources: chain } = createDeployerCredential({}) as unknown as {
      readonly _sources: readonly object[];
    };

    expect(chain.map(({ constructor }) => constructor.name)).toEqual([
      "AzureCliCredential",
      "DefaultAzureCredential",
    ]);
  });
});

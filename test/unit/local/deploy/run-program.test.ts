import { describe, expect, it } from "@jest/globals";
import { Queue, listQueueKeysOutput } from "@pulumi/azure-native/servicebus/index.js";
import { Secret } from "@pulumi/azure-native/keyvault/index.js";
import * as pulumi from "@pulumi/pulumi";
import { runProgram, type ProgramOptions } from "../../../../local/deploy/run-program.ts";

function run(
  program: () => Record<string, unknown>,
  options: Partial<ProgramOptions> = {},
): ReturnType<typeof runProgram> {
  return runProgram({
    program: () => Promise.resolve(program()),
    stack: "test",
    config: {},
    secretKeys: [],
    onResource: ({ name, inputs }) =>
      Promise.resolve({ id: `id-${name}`, state: { ...inputs, name } }),
    onCall: () => Promise.resolve({}),
    ...options,
  });
}

function queue(name: string, opts?: pulumi.CustomResourceOptions): Queue {
  return new Queue(
    name,
    { resourceGroupName: "group", namespaceName: "namespace", queueName: name },
    opts,
  );
}

describe("running a program", () => {
  it("answers its outputs and what it registered, dependencies first", async () => {
    const { outputs, resources } = await run(() => {
      const first = queue("first");
      return { id: queue("second", { dependsOn: [first] }).id };
    });

    expect(outputs).toEqual({ id: "id-second" });
    expect(resources.map(({ name }) => name)).toEqual(["first", "second"]);
    expect(resources[1]?.dependencies).toEqual([resources[0]?.urn]);
  });

  it("waits for resources that no output needs", async () => {
    const { resources } = await run(
      () => {
        queue("slow");
        return { done: true };
      },
      {
        onResource: async ({ name, inputs }) => {
          for (let round = 0; round < 20; round += 1) await new Promise(setImmediate);
          return { id: name, state: inputs };
        },
      },
    );

    expect(resources.map(({ name }) => name)).toEqual(["slow"]);
  });

  it("takes secrets out of their wrapping and says where they were", async () => {
    const { resources, secretOutputs } = await run(() => {
      const value = pulumi.secret("hush");
      new Secret("secret", {
        resourceGroupName: "group",
        vaultName: "vault",
        properties: { value, contentType: "text" },
      });
      return { value, plain: "seen" };
    });

    expect(resources[0]?.inputs["properties"]).toEqual({ value: "hush", contentType: "text" });
    expect(resources[0]?.secretInputs).toEqual(["properties"]);
    expect(secretOutputs).toEqual(["value"]);
  });

  it("answers provider functions", async () => {
    const { outputs } = await run(
      () => ({
        key: listQueueKeysOutput({
          authorizationRuleName: "send",
          namespaceName: "namespace",
          queueName: queue("asked").name,
          resourceGroupName: "group",
        }).primaryKey,
      }),
      {
        onCall: (token, inputs) =>
          Promise.resolve({ primaryKey: `${token} of ${String(inputs["queueName"])}` }),
      },
    );

    expect(outputs).toEqual({ key: "azure-native:servicebus:listQueueKeys of asked" });
  });

  it("rejects with the first error of a resource", async () => {
    const failing = run(
      () => {
        const first = queue("first");
        return { ids: ["a", "b", "c"].map((name) => queue(name, { dependsOn: [first] }).id) };
      },
      { onResource: ({ name }) => Promise.reject(new Error(`no ${name}`)) },
    );

    await expect(failing).rejects.toThrow("no first");
  });

  it("rejects with an error of the program itself", async () => {
    const failing = run(() => {
      queue("first");
      throw new Error("wrong settings");
    });

    await expect(failing).rejects.toThrow("wrong settings");
  });

  it("rejects when a function has no answer", async () => {
    const failing = run(
      () => ({
        keys: listQueueKeysOutput({
          authorizationRuleName: "send",
          namespaceName: "namespace",
          queueName: queue("asked").name,
          resourceGroupName: "group",
        }),
      }),
      { onCall: () => Promise.reject(new Error("no such function")) },
    );

    await expect(failing).rejects.toThrow("no such function");
  });

  it("refuses a program that registers nothing", async () => {
    await expect(run(() => ({}))).rejects.toThrow("The program registered no resource.");
  });

  it("keeps runs at the same time apart", async () => {
    const program = (): Record<string, unknown> => ({
      who: new pulumi.Config("app").require("who"),
      stack: pulumi.getStack(),
      id: queue("one").id,
    });
    const runs = await Promise.all(
      ["ann", "bob"].map((who) => run(program, { stack: who, config: { "app:who": who } })),
    );

    expect(runs.map(({ outputs }) => outputs)).toEqual([
      { who: "ann", stack: "ann", id: "id-one" },
      { who: "bob", stack: "bob", id: "id-one" },
    ]);
  });
});

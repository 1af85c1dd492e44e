import { getRequestListener } from "@hono/node-server";
import { beforeAll, describe, expect, it } from "@jest/globals";
import { readAnswer } from "../../../local/read-answer.ts";

describe("an answer's parts", () => {
  beforeAll(() => {
    // From here on `Response` is the listener's light one, as in the local Azure.
    getRequestListener(() => new Response());
  });

  it.each<[string, string | Uint8Array<ArrayBuffer> | ReadableStream | null, string]>([
    ["text", "Zoë", "Zoë"],
    ["bytes", new TextEncoder().encode("Zoë"), "Zoë"],
    ["nothing", null, ""],
    ["a stream", new Blob(["Zoë"]).stream(), "Zoë"],
  ])("are read from %s", async (_what, body, text) => {
    const answer = await readAnswer(new Response(body, { status: 201, headers: { "X-A": "b" } }));

    expect(answer).toMatchObject({ statusCode: 201, headers: { "x-a": "b" } });
    expect(answer.body.toString()).toBe(text);
  });

  it("are found without making a whole Response of a light one", async () => {
    const light = new Response("held");
    const answer = await readAnswer(light);

    expect(answer.body.toString()).toBe("held");
    // Making it whole takes what is held away.
    expect(Object.getOwnPropertySymbols(light).map(({ description }) => description)).toContain(
      "cache",
    );
  });
});

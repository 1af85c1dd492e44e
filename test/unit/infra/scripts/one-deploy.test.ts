import { describe, expect, it } from "@jest/globals";
import { publishPackage, toPublishUrl } from "../../../../infra/scripts/one-deploy.ts";

const url = "https://app.scm.azurewebsites.net/api/publish?type=zip";

/** Plays the deployment site: answers in turn, notes what it was asked and how long it was waited for. */
function publishTo(...answers: readonly Response[]) {
  const asked: string[] = [];
  const waits: number[] = [];
  const left = [...answers];
  const done = publishPackage({
    url,
    zip: new Uint8Array([80, 75]),
    credential: { getToken: (scope) => Promise.resolve(toToken(String(scope))) },
    fetch: (input, init) => {
      const request = new Request(input, init);
      asked.push(`${request.method} ${request.url} ${request.headers.get("authorization") ?? ""}`);
      return Promise.resolve(left.shift() ?? new Response(null, { status: 500 }));
    },
    wait: (ms) => Promise.resolve(waits.push(ms)),
  });
  return { asked, waits, done };
}

function toToken(scope: string): { token: string; expiresOnTimestamp: number } {
  return { token: `for ${scope}`, expiresOnTimestamp: 0 };
}

const accepted = (): Response =>
  new Response(null, { status: 202, headers: { location: "/api/deployments/7" } });

describe("deploying the package", () => {
  it("posts the zip with an ARM token and waits for the deployment's end", async () => {
    const { asked, done } = publishTo(
      accepted(),
      Response.json({ status: 1 }),
      Response.json({ status: 4 }),
    );
    await done;

    expect(asked).toEqual([
      `POST ${url} Bearer for https://management.azure.com/.default`,
      "GET https://app.scm.azurewebsites.net/api/deployments/7 Bearer for https://management.azure.com/.default",
      "GET https://app.scm.azurewebsites.net/api/deployments/7 Bearer for https://management.azure.com/.default",
    ]);
  });

  it("tries again while a new role is not known everywhere", async () => {
    const { done, waits } = publishTo(
      new Response(null, { status: 403 }),
      new Response(null, { status: 200 }),
    );
    await done;

    expect(waits).toEqual([15_000]);
  });

  it("says what to do where the site lets nobody in from this address", async () => {
    const headers = { "x-ms-forbidden-ip": "203.0.113.9" };
    const refusals = Array.from({ length: 10 }, () => new Response(null, { status: 403, headers }));

    await expect(publishTo(...refusals).done).rejects.toThrow(
      "403 nobody may send code from 203.0.113.9: add it to causeway:deployFrom",
    );
  });

  it("says why the site refused the package", async () => {
    const { done } = publishTo(new Response("package is not a zip", { status: 400 }));

    await expect(done).rejects.toThrow("The package was not deployed: 400 package is not a zip");
  });

  it("says why the deployment failed", async () => {
    const { done } = publishTo(
      accepted(),
      Response.json({ status: 3, status_text: "no host.json" }),
    );

    await expect(done).rejects.toThrow("The deployment failed: no host.json");
  });

  it("finds the deployment site also of an app with a regional host name", () => {
    expect(toPublishUrl("func-a1b2.westeurope-01.azurewebsites.net")).toBe(
      "https://func-a1b2.scm.westeurope-01.azurewebsites.net/api/publish?type=zip",
    );
  });
});

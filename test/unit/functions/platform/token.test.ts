import { describe, expect, it } from "@jest/globals";
import { createGetToken } from "../../../../functions/src/platform/token.ts";
import { ManualClock, startOfTime } from "../../../support/delivery-world.ts";

describe("a token", () => {
  function counting(): { readonly asked: string[]; getToken(scope: unknown): Promise<never> } {
    const asked: string[] = [];
    const getToken = (scope: unknown): Promise<never> => {
      asked.push(String(scope));
      const expiresOnTimestamp = startOfTime + 3_600_000 * asked.length;
      return Promise.resolve({ token: `t${asked.length}`, expiresOnTimestamp } as never);
    };
    return { asked, getToken };
  }

  it("is asked for once by callers at the same moment, and kept per audience", async () => {
    const credential = counting();
    const getToken = createGetToken(credential, new ManualClock());
    const vault = "https://vault.azure.net";
    expect(await Promise.all([getToken(vault), getToken(vault)])).toEqual(["t1", "t1"]);
    await getToken("https://monitor.azure.com");
    expect(credential.asked).toEqual([`${vault}/.default`, "https://monitor.azure.com/.default"]);
  });

  it("is replaced five minutes before it ends", async () => {
    const credential = counting();
    const clock = new ManualClock();
    const getToken = createGetToken(credential, clock);
    await getToken("a");
    clock.advance(55 * 60_000 - 1);
    expect(await getToken("a")).toBe("t1");
    clock.advance(1);
    expect(await getToken("a")).toBe("t2");
  });

  it("that cannot be had is asked for again by the next caller", async () => {
    const credential = { getToken: () => Promise.reject(new Error("no identity")) };
    const getToken = createGetToken(credential, new ManualClock());
    await expect(getToken("a")).rejects.toMatchObject({ code: "TOKEN_UNAVAILABLE" });
    await expect(getToken("a")).rejects.toMatchObject({ code: "TOKEN_UNAVAILABLE" });
  });
});

import { describe, expect, it } from "@jest/globals";
import { ApiRefusal } from "../../../cli/operator/api-refusal.ts";
import { followVerification } from "../../../cli/operator/follow-verification.ts";
import { HttpError } from "../../../functions/src/platform/http.ts";
import { ManualClock } from "../../support/delivery-world.ts";

const counts = { legalEntity: "usmf", target: "ce", missing: 0, doubled: 0, differing: 0 };

/** What is written while the verification is asked after three times, and how it ended. */
async function follow(isTTY: boolean, isQuiet: boolean) {
  const answers: readonly unknown[] = [
    { state: "running", counts: [] },
    { state: "running", counts: [{ ...counts, compared: 40, missing: 2 }] },
    { state: "done", counts: [{ ...counts, compared: 90, missing: 2 }] },
  ];
  let asked = 0;
  const written: string[] = [];
  const client = {
    get: <Answer>() => Promise.resolve(answers[asked++] as Answer),
  };
  const terminal = { isTTY, write: (text: string) => written.push(text) };
  const ended = await followVerification(client, "v-1", {
    isQuiet,
    terminal,
    clock: new ManualClock(),
  });
  return { ended, written: written.map((text) => text.replace("\r\u001b[2K", "|")) };
}

/** How it ends when these come before the answer that it is done. */
function followOver(errors: readonly Error[]): ReturnType<typeof followVerification> {
  const left = [...errors];
  const client = {
    get: <Answer>() => {
      const error = left.shift();
      if (error !== undefined) return Promise.reject(error);
      return Promise.resolve({ state: "done", counts: [] } as Answer);
    },
  };
  return followVerification(client, "v-1", { isQuiet: true, clock: new ManualClock() });
}

describe("waiting for a verification", () => {
  it("shows on a terminal how far it is, and takes the line away at the end", async () => {
    const { ended, written } = await follow(true, false);

    expect(ended.state).toBe("done");
    expect(written).toEqual([
      "|0 compared so far (0 s)",
      "|40 compared so far, 2 missing (1 s)",
      "|",
    ]);
  });

  it.each([
    ["where nobody looks", false, false],
    ["beside JSON", true, true],
  ])("writes nothing %s", async (_where, isTTY, isQuiet) => {
    const { ended, written } = await follow(isTTY, isQuiet);

    expect([ended.state, written]).toEqual(["done", []]);
  });

  it("goes on over thirty errors in a row, and names the last of more", async () => {
    const away = new HttpError("CONNECTION_RESET", { method: "GET", url: "http://api" }, false);

    expect((await followOver(Array.from({ length: 30 }, () => away))).state).toBe("done");
    await expect(followOver(Array.from({ length: 31 }, () => away))).rejects.toBe(away);
  });

  it("ends at once when the API says no, and not when its host has not loaded it yet", async () => {
    const unknown = new ApiRefusal(404, "VERIFICATION_UNKNOWN", "There is none.", "");
    const notLoaded = new ApiRefusal(404, "OPERATOR_UNREACHABLE", "No reason.", "");

    await expect(followOver([unknown])).rejects.toBe(unknown);
    expect((await followOver([notLoaded])).state).toBe("done");
  });
});

import { describe, expect, it } from "@jest/globals";
import { toEffectKey } from "../../../../functions/src/platform/effect-key.ts";
import {
  formatTraceparent,
  parseTraceparent,
  toRootTraceparent,
  toTraceId,
} from "../../../../functions/src/platform/trace.ts";

const invoice = {
  type: "dynamics365.finance.invoice.posted.v1",
  legalEntity: "usmf",
  number: "CIV-000123",
  date: "2026-11-24",
  voucher: "ARPA-1",
};

describe("the effect key", () => {
  // Changing it would make every document that was ever delivered look new.
  it("of a document is the same for ever", () => {
    expect(toEffectKey(invoice)).toBe("27051e6c-efcb-5d7e-ac2a-3f2a5a7eedf9");
  });

  it("ignores the case of the company only", () => {
    expect(toEffectKey({ ...invoice, legalEntity: "USMF" })).toBe(toEffectKey(invoice));
    expect(toEffectKey({ ...invoice, number: "civ-000123" })).not.toBe(toEffectKey(invoice));
  });

  it("does not confuse what stands next to each other", () => {
    const one = toEffectKey({ ...invoice, number: "A", date: "B" });
    expect(toEffectKey({ ...invoice, number: 'A","B', date: "" })).not.toBe(one);
  });
});

describe("the trace", () => {
  const eventId = "0e6a1c9d-52b1-4c5e-8f10-6d1b7a94c3e2";

  it("starts from the event id, so that every hop finds it", () => {
    expect(toTraceId(eventId)).toBe("67535ede49335d3a9543cf22a586d538");
    expect(toTraceId(eventId.toUpperCase())).toBe(toTraceId(eventId));
    expect(toRootTraceparent(eventId)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });

  it("is read back as it was written", () => {
    const context = { traceId: toTraceId(eventId), spanId: "00f067aa0ba902b7", sampled: true };
    expect(parseTraceparent(formatTraceparent(context))).toEqual(context);
  });

  it.each([
    "",
    "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
    "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
  ])("%j is none", (text) => {
    expect(parseTraceparent(text)).toBeUndefined();
  });
});

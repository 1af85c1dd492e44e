import { describe, expect, it } from "@jest/globals";
import { HttpError } from "../../../../functions/src/platform/http.ts";
import type { Http, HttpRequest } from "../../../../functions/src/platform/http.ts";
import type {
  FailureGroup,
  FailureGroups,
} from "../../../../functions/src/recovery/group-failures.ts";
import { createNoticeChannels } from "../../../../functions/src/recovery/notice-channels.ts";
import type { OwnerMail } from "../../../../functions/src/recovery/notice-channels.ts";
import { noticesTable } from "../../../../functions/src/recovery/notice-rows.ts";
import { createOwnerNotices } from "../../../../functions/src/recovery/owner-notices.ts";
import { SimulatedClock } from "../../../../local/clock.ts";
import { MemoryTableStore } from "../../../support/memory-table-store.ts";
import { recordTelemetry } from "../../../support/recorded-telemetry.ts";

const missing = { group: "g-1", code: "CE_LOOKUP_MISSING", target: "ce" };
const openGroup: FailureGroup = {
  group: "g-1",
  target: "ce",
  code: "SOURCE_INVALID",
  reason: "no account for Anna Berg, anna@example.com",
  owner: "finance",
  fixIn: "F&O",
  count: 3,
  isAtLeast: false,
  firstAt: Date.parse("2026-11-20T08:00:00.000Z"),
  lastAt: Date.parse("2026-11-21T08:00:00.000Z"),
  legalEntities: ["usmf"],
  missing: ["account/usmf/US-001"],
};
const finance = { group: "g-2", code: "SOURCE_INVALID", target: "intake" };
const only = (...groups: readonly FailureGroup[]): FailureGroups => ({
  groups,
  targetsWithMore: [],
});
const days = { escalateDays: 30, failureBodyDays: 180 };
const refused: Http = (request) =>
  Promise.reject(new HttpError("CONNECTION_REFUSED", request, false));
const taken: Http = () => Promise.resolve({ status: 202, headers: { get: () => null }, body: "" });

function createScene(
  answer: Http = taken,
  mail?: OwnerMail,
  targetsWithMore: readonly string[] = [],
) {
  const store = new MemoryTableStore();
  const clock = new SimulatedClock(Date.parse("2026-11-27T06:00:00.000Z"));
  const sent: { readonly url: string; readonly text: string }[] = [];
  const { telemetry, events } = recordTelemetry();
  const state = { answer };
  const http = (request: HttpRequest): ReturnType<Http> => {
    const body = JSON.parse(request.body ?? "{}") as { readonly text?: string };
    sent.push({ url: request.url, text: body.text ?? request.body ?? "" });
    return state.answer(request);
  };
  const start = () =>
    createOwnerNotices({
      ...{ store, clock, telemetry },
      channels: createNoticeChannels({
        http,
        getToken: (audience) => Promise.resolve(`token for ${audience}`),
        webhooks: { finance: "https://hooks.example/finance" },
        mail,
      }),
      openGroups: () => Promise.resolve({ groups: [openGroup], targetsWithMore }),
    });
  return { start, store, clock, sent, events, state };
}

describe("notices to owners", () => {
  it("are one message per group, however often it fails and whoever sends", async () => {
    const { start, sent, events } = createScene();
    const [one, other] = [start(), start()];
    await one.note([finance, finance]);
    await other.note([finance]);
    await Promise.all([one.sendDue(), other.sendDue()]);
    await one.sendDue();
    expect(sent).toHaveLength(1);
    expect(sent[0]?.text).toContain("SOURCE_INVALID for intake");
    expect(events.map(({ name, dimensions }) => [name, dimensions["result"]])).toEqual([
      ["notification", "sent"],
    ]);
  });

  it("are sent again when the group comes back after a quiet week", async () => {
    const { start, clock, sent } = createScene();
    const notices = start();
    await notices.note([finance]);
    await notices.sendDue();
    await clock.advance(8 * 24 * 3_600_000);
    await notices.note([finance]);
    await notices.sendDue();
    expect(sent).toHaveLength(2);
  });

  it("are tried again when the webhook refused, and never when it may have taken them", async () => {
    const { start, sent, state } = createScene(refused);
    const notices = start();
    await notices.note([finance]);
    await notices.sendDue();
    state.answer = (request) => Promise.reject(new HttpError("TIMEOUT", request, true));
    await notices.sendDue();
    await notices.sendDue();
    expect(sent).toHaveLength(2);
  });

  it("are off for an owner that nobody configured", async () => {
    const { start, sent } = createScene();
    const notices = start();
    await notices.note([missing]);
    await notices.sendDue();
    expect(sent).toEqual([]);
  });

  it("go by mail too, to the addresses of the settings, each channel once", async () => {
    const { start, sent, events } = createScene(taken, {
      endpoint: "https://acs.example/",
      apiVersion: "2025-09-01",
      sender: "DoNotReply@mail.example",
      to: { finance: ["ap@contoso.example", "lead@contoso.example"], masterData: [] },
    });
    await start().note([finance, missing]);
    await Promise.all([start().sendDue(), start().sendDue()]);
    expect(sent.map(({ url }) => url)).toEqual([
      "https://hooks.example/finance",
      "https://acs.example/emails:send?api-version=2025-09-01",
    ]);
    const mail = JSON.parse(sent[1]?.text ?? "{}") as {
      readonly content: { readonly plainText: string };
    };
    expect(mail).toMatchObject({
      senderAddress: "DoNotReply@mail.example",
      recipients: { to: [{ address: "ap@contoso.example" }, { address: "lead@contoso.example" }] },
      content: { subject: "Causeway: new failures SOURCE_INVALID for intake" },
    });
    expect(mail.content.plainText).toBe(sent[0]?.text);
    expect(events.map(({ dimensions }) => dimensions["channel"])).toEqual(["webhook", "mail"]);
  });

  it("are a digest once a day, with causes and counts and nothing of a person", async () => {
    const { start, clock, sent } = createScene();
    await Promise.all([start().sendDigest(), start().sendDigest()]);
    await start().sendDigest();
    expect(sent.map(({ text }) => text)).toEqual([
      "Causeway, 2026-11-27: 3 open failures wait for you.\n" +
        "- SOURCE_INVALID for ce: 3, oldest 2026-11-20, to be put right in F&O",
    ]);
    await clock.advance(24 * 3_600_000);
    await start().sendDigest();
    expect(sent).toHaveLength(2);
  });

  it("a digest that the webhook refused comes again as the digest", async () => {
    const { start, sent, events, state } = createScene(refused);
    await start().sendDigest();
    state.answer = taken;
    await start().sendDue();
    await start().sendDue();
    const digest =
      "Causeway, 2026-11-27: 3 open failures wait for you.\n" +
      "- SOURCE_INVALID for ce: 3, oldest 2026-11-20, to be put right in F&O";
    expect(sent.map(({ text }) => text)).toEqual([digest, digest]);
    expect(events.map(({ dimensions: { name, result } }) => [name, result])).toEqual([
      ["digest", "failed"],
      ["digest", "sent"],
    ]);
  });

  it("leave one digest behind, and one that was refused gives way to the next day's", async () => {
    const { start, store, clock, sent, state } = createScene(refused);
    await start().sendDigest();
    await clock.advance(24 * 3_600_000);
    state.answer = taken;
    await start().sendDigest();
    await start().sendDue();
    expect(sent.map(({ text }) => text.slice(0, 20))).toEqual([
      "Causeway, 2026-11-27",
      "Causeway, 2026-11-28",
    ]);
    expect(store.rows(noticesTable).map(({ rowKey }) => rowKey)).toEqual(["digest-2026-11-28"]);
  });

  it("reach the last of more groups than a page has", async () => {
    const { start, sent } = createScene();
    const groups = Array.from({ length: 1_100 }, (_none, n) => ({ ...finance, group: `g-${n}` }));
    await start().note(groups);
    await start().sendDue();
    expect(sent).toHaveLength(1_100);
  });

  it("tell of an undecided group once, also when it was out of sight for a night", async () => {
    const { start, sent } = createScene();
    const tell = async (found: FailureGroups): Promise<number> => {
      await start().noteUndecided(found, days);
      await start().sendDue();
      return sent.length;
    };
    expect(await tell(only(openGroup))).toBe(1);
    expect(await tell({ groups: [], targetsWithMore: ["ce"] })).toBe(1);
    expect(await tell(only(openGroup))).toBe(1);
    await tell(only());
    expect(await tell(only(openGroup))).toBe(2);
  });

  it("say of a digest's count that it is the least when there are more groups than were read", async () => {
    const { start, sent } = createScene(taken, undefined, ["crm"]);
    await start().sendDigest();
    expect(sent[0]?.text).toContain("3 or more open failures wait for you");
  });
});

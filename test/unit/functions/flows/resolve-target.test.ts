import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { isRecipientAllowed } from "../../../../functions/src/flows/mail-safety.ts";
import { isServed, isSkip, resolveTarget } from "../../../../functions/src/flows/resolve-target.ts";
import type { ServedDocument } from "../../../../functions/src/flows/resolve-target.ts";
import type { AppConfig, TargetSettings } from "../../../../functions/src/platform/config.ts";
import type { Flow, FlowTarget } from "../../../../schemas/types/flow.ts";
import { appConfig, loopbackAddresses } from "../../../support/app-config.ts";

const posted = { legalEntity: "usmf", postedAt: "2024-06-14T08:00:00Z" };
const now = Date.parse("2024-06-14T09:00:00Z");

function flowOf(name: string, target: Partial<FlowTarget>): Flow {
  const kind = name === "ce" ? "dataverse" : "workflow";
  return {
    name: "invoice-posted",
    businessEvents: ["SalesInvoicePostedBusinessEvent"],
    enrichment: "invoice-posted",
    canonical: "canonical/invoice-posted.v1",
    targets: { [name]: { kind, mapping: `${name}.mapping.json`, ...target } },
  };
}

function resolve(
  name: string,
  target: Partial<FlowTarget>,
  settings: TargetSettings = {},
  config: Partial<AppConfig> = {},
  at = now,
) {
  return resolveTarget(
    flowOf(name, target),
    name,
    posted,
    appConfig({ targets: { [name]: settings }, ...config }),
    at,
  );
}

const mail: Partial<FlowTarget> = { recipient: { policy: "customer" }, templates: "mail" };
const live: TargetSettings = { mode: "live", allowedRecipientDomains: ["contoso-retail.example"] };

describe("resolveTarget", () => {
  it("looks at CE, leaves the CRM alone and redirects mail when nobody says anything", () => {
    expect(resolve("ce", {})).toMatchObject({ mode: "dryRun" });
    expect(resolve("crm", {})).toEqual({ skip: "TARGET_OFF" });
    expect(resolve("email", mail, { redirectTo: "box@test.example" })).toMatchObject({
      mode: "redirect",
      redirectTo: "box@test.example",
    });
  });

  it("puts config before flow and the company before the target", () => {
    const flowSays = { mode: "off", legalEntities: { usmf: { mode: "dryRun" } } } as const;
    expect(resolve("crm", { mode: "live" })).toMatchObject({ mode: "live" });
    expect(resolve("crm", flowSays)).toMatchObject({ mode: "dryRun" });
    expect(resolve("crm", flowSays, { mode: "live" })).toMatchObject({ mode: "live" });
    const off = { mode: "live", legalEntities: { usmf: { mode: "off" } } } as const;
    expect(resolve("crm", flowSays, off)).toEqual({ skip: "TARGET_OFF" });
  });

  it("skips companies that nobody lists", () => {
    const others = { mode: "live", legalEntities: { demf: {} } } as const;
    expect(resolve("ce", others)).toEqual({ skip: "COMPANY_NOT_IN_SCOPE" });
    expect(resolve("ce", others, { legalEntities: { usmf: {} } })).toMatchObject({ mode: "live" });
    expect(resolve("ce", { ...others, legalEntities: {} })).toEqual({
      skip: "COMPANY_NOT_IN_SCOPE",
    });
  });

  it("skips what is older than the go-live or the maximum age; mail after three days", () => {
    const day = 86_400_000;
    expect(resolve("ce", {}, { goLive: "2024-06-15T00:00:00Z" })).toEqual({ skip: "TOO_OLD" });
    expect(resolve("ce", { maxAge: "PT30M" })).toEqual({ skip: "TOO_OLD" });
    expect(resolve("email", mail, live, {}, now + 3 * day)).toEqual({ skip: "TOO_OLD" });
    expect(resolve("email", mail, live, {}, now + 2 * day)).toMatchObject({ mode: "live" });
    expect(resolve("ce", {}, {}, {}, now + 900 * day)).toMatchObject({ mode: "dryRun" });
  });

  it("gives defaults and overrides for the rest", () => {
    const target: Partial<FlowTarget> = {
      retry: { limit: "PT1H30M" },
      legalEntities: {
        usmf: { ownership: "notDualWritten", ownerTeam: "AR", sender: "a@x.example" },
      },
    };
    expect(resolve("ce", target, { legalEntities: { usmf: { ownerTeam: "AR US" } } })).toEqual({
      kind: "dataverse",
      mode: "dryRun",
      allowedRecipientDomains: [],
      retry: { limitMs: 5_400_000, waitForMs: 432_000_000 },
      budget: {},
      once: false,
      ownership: "notDualWritten",
      ownerTeam: "AR US",
      sender: "a@x.example",
    });
  });
});

describe("the sender", () => {
  it("is the company's, and the mail service's own for companies without one", () => {
    const senderOf = (inFlow: FlowTarget["legalEntities"], settings: TargetSettings) => {
      const resolved = resolve(
        "email",
        { ...mail, ...(inFlow === undefined ? {} : { legalEntities: inFlow }) },
        settings,
      );
      return isSkip(resolved) ? resolved.skip : resolved.sender;
    };
    const own = { ...live, sender: "DoNotReply@x.azurecomm.net" };
    expect(senderOf(undefined, own)).toBe("DoNotReply@x.azurecomm.net");
    expect(senderOf({ usmf: { sender: "us@mail.example" } }, own)).toBe("us@mail.example");
    const ofStack = { ...own, legalEntities: { usmf: { sender: "ar@mail.example" } } };
    expect(senderOf({ usmf: { sender: "us@mail.example" } }, ofStack)).toBe("ar@mail.example");
  });
});

describe("live mail", () => {
  it("leaves production for allowed domains only", () => {
    const settings = resolve("email", mail, live);
    if (isSkip(settings)) throw new Error("expected a target");
    const isAllowed = (address: string): boolean =>
      isRecipientAllowed(address, settings, appConfig());
    expect(settings.mode).toBe("live");
    expect(isAllowed("ap@Contoso-Retail.example")).toBe(true);
    expect(isAllowed("ap@evil.contoso-retail.example")).toBe(false);
    expect(isAllowed("ap@contoso-retail.example, x@evil.example")).toBe(false);
    expect(isAllowed("<x@contoso-retail.example>")).toBe(false);
    expect(isAllowed("x@contoso-retail.example\r\nBcc: y@evil.example")).toBe(false);
  });

  it.each([
    ["a sandbox", { environmentKind: "sandbox" }],
    ["a copied F&O", { financeUrl: "https://contoso-copy.sandbox.operations.dynamics.com" }],
    ["no production hosts", { productionHosts: [] }],
    ["a development stack on loopback", loopbackAddresses],
  ] as const)("of %s goes to the one mailbox, and nowhere without it", (_name, config) => {
    const redirected = resolve("email", mail, { ...live, redirectTo: "box@test.example" }, config);
    expect(redirected).toMatchObject({ mode: "redirect", redirectTo: "box@test.example" });
    expect(resolve("email", mail, live, config)).toEqual({ skip: "MAIL_NOT_ALLOWED" });
  });

  it("without an allowed domain is redirected even in production", () => {
    const settings = { mode: "live", redirectTo: "box@test.example" } as const;
    expect(resolve("email", mail, settings)).toMatchObject({ mode: "redirect" });
  });
});

describe("a stack that is not production", () => {
  const address = fc.oneof(
    fc.emailAddress(),
    fc.string(),
    fc.constantFrom("ap@contoso-retail.example", "box@test.example", "BOX@test.example", "a@b@c.d"),
  );
  const mode = fc.constantFrom("off", "dryRun", "redirect", "live" as const);
  const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
    fc.option(value, { nil: undefined });
  const host = fc.constantFrom(
    "https://contoso.operations.dynamics.com",
    "https://localhost.example:7001",
    "https://127.0.0.1.nip.example",
    "https://fo.127.example",
    "https://localhost:7001",
  );
  const stack = fc.record({
    environmentKind: fc.constantFrom("sandbox", "development" as const),
    productionHosts: fc.array(fc.constantFrom("contoso.operations.dynamics.com", "localhost")),
    financeUrl: host,
    dataverseUrl: host,
    workflows: fc.record({ email: host }),
  });

  it("cannot reach any mailbox but the redirect one, whatever F&O contains", () => {
    fc.assert(
      fc.property(
        stack,
        address,
        maybe(mode),
        maybe(mode),
        maybe(mode),
        maybe(fc.constantFrom(["*"], [], ["contoso-retail.example"])),
        fc.boolean(),
        (addresses, to, inFlow, inConfig, ofCompany, domains, hasBox) => {
          const settings = {
            ...(inConfig === undefined ? {} : { mode: inConfig }),
            ...(domains === undefined ? {} : { allowedRecipientDomains: domains }),
            ...(hasBox ? { redirectTo: "box@test.example" } : {}),
            ...(ofCompany === undefined ? {} : { legalEntities: { usmf: { mode: ofCompany } } }),
          } as TargetSettings;
          const target = {
            ...mail,
            ...(inFlow === undefined ? {} : { mode: inFlow }),
          } as Partial<FlowTarget>;
          const resolved = resolve("email", target, settings, addresses);
          if (isSkip(resolved)) return;
          expect(resolved.mode).not.toBe("live");
          const config = appConfig(addresses);
          expect(isRecipientAllowed(to, resolved, config)).toBe(
            resolved.mode === "redirect" && to === "box@test.example",
          );
          expect(
            isRecipientAllowed(
              to,
              { ...resolved, mode: "live", allowedRecipientDomains: ["*"] },
              config,
            ),
          ).toBe(false);
        },
      ),
    );
  });
});

describe("a document is served", () => {
  const flow = flowOf("ce", { legalEntities: { usmf: {} }, maxAge: "P1D" });
  const isTaken = (
    document: Partial<ServedDocument>,
    settings: TargetSettings = {},
    target?: string,
  ) =>
    isServed([flow], { ...posted, ...document }, appConfig({ targets: { ce: settings } }), target);

  it("when a target takes it, an old one too", () => {
    expect(isTaken({ postedAt: "2020-01-01T00:00:00Z" })).toBe(true);
  });

  it("neither when no flow lists its company, nor before going live, nor with every target off", () => {
    expect(isTaken({ legalEntity: "demf" })).toBe(false);
    expect(isTaken({}, { goLive: "2024-07-01T00:00:00Z" })).toBe(false);
    expect(isTaken({}, { mode: "off" })).toBe(false);
    expect(isTaken({}, { legalEntities: { usmf: { mode: "off" } } })).toBe(false);
  });

  it("only when a flow takes the event that tells of it", () => {
    expect(isTaken({ businessEventId: "SalesInvoicePostedBusinessEvent" })).toBe(true);
    expect(isTaken({ businessEventId: "CustFreeTextInvoicePostedBusinessEvent" })).toBe(false);
  });

  it("by the one target that is named", () => {
    expect(isTaken({}, {}, "ce")).toBe(true);
    expect(isTaken({}, {}, "crm")).toBe(false);
  });
});

import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { runCauseway } from "../support/run-causeway.ts";
import type { CausewayRun } from "../support/run-causeway.ts";
import { createSignedInAz, signInPerson } from "../support/sign-in-person.ts";
import { useLocalAzure } from "../support/use-local-azure.ts";

const local = useLocalAzure("journey-command-line");
const good = { number: "JRN-CLI-1", eventId: "" };
const bad = { number: "JRN-CLI-2", eventId: "", failureId: "" };

const causeway = (...args: readonly string[]): Promise<CausewayRun> =>
  runCauseway(local.folder, args);

/** As a person who ran `az login`, by the API's address. */
async function causewayAs(
  role: "Reader" | "Approver",
  ...args: readonly string[]
): Promise<CausewayRun> {
  const { operator } = local.environment;
  const token = await signInPerson(local.environment, role);
  const bin = await createSignedInAz(join(local.folder, `az-${role}`), token);
  const way = ["--url", operator.baseUrl, "--audience", operator.audience];
  return runCauseway(local.folder, [...args, ...way], bin);
}

const linesOf = ({ stdout }: CausewayRun): readonly string[] => stdout.trimEnd().split("\n");

beforeAll(async () => {
  const { world, environment } = local;
  const { eventId } = await world.post({ number: good.number, customer: "US-001", door: "https" });
  good.eventId = eventId.toLowerCase();
  // The mail's domain refuses this address: a failure of one target.
  await fetch(`${environment.finance.baseUrl}/sim/customers/usmf/US-002`, {
    method: "PATCH",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ PrimaryContactEmail: "ap@bounce.example" }),
  });
  bad.eventId = (
    await world.post({ number: bad.number, customer: "US-002", door: "https" })
  ).eventId;
  await eventually(expectSettled);
  const { stdout } = await causeway("failures", "list", "--json");
  const { failures } = JSON.parse(stdout) as {
    readonly failures: [{ readonly failureId: string }];
  };
  bad.failureId = failures[0].failureId;
});

/** Nothing is under way any more, and the one failure is written down. */
async function expectSettled(): Promise<void> {
  const { world } = local;
  const delivered = { intake: "published", ce: "delivered", crm: "delivered", email: "delivered" };
  expect(await world.states(good.eventId)).toEqual(delivered);
  expect(await world.states(bad.eventId)).toEqual({ ...delivered, email: "failed" });
  expect(await world.failures()).toMatchObject([{ code: "MAIL_FAILED" }]);
}

describe("causeway status", () => {
  it("tells each step and what needs a person, and exits with 5 because something does", async () => {
    const run = await causeway("status");
    expect(run.exitCode).toBe(5);
    expect(linesOf(run)[0]).toMatch(/^step +state +mode +per min +lag +waiting +failed$/);
    expect(run.stdout).toMatch(/^email +\S+ +live .* 1$/m);
    expect(run.stdout).toMatch(/1 failed email MAIL_FAILED: .* puts it right in /);
  });
});

describe("causeway find", () => {
  it("tells one invoice's journey by number and by event id", async () => {
    const byNumber = await causeway("find", good.number);
    expect(byNumber.exitCode).toBe(0);
    expect(linesOf(byNumber)[0]).toMatch(/^JRN-CLI-1 of usmf, customer US-001, posted /);
    expect(byNumber.stdout).toMatch(/^ce: delivered {2}\S/m);
    expect((await causeway("find", good.eventId)).stdout).toBe(byNumber.stdout);
  });

  it("lists several, and exits with 3 when there is none", async () => {
    const several = await causeway("find", "JRN-CLI", "--json");
    const { journeys } = JSON.parse(several.stdout) as { readonly journeys: readonly object[] };
    expect(journeys).toHaveLength(2);
    const none = await causeway("find", "NO-SUCH-INVOICE");
    expect(none).toMatchObject({
      exitCode: 3,
      stdout: expect.stringContaining("Nothing was found."),
    });
  });
});

describe("causeway tail", () => {
  it("prints what happened, one JSON object a line for scripts", async () => {
    const run = await causeway("tail", "--once", "--since", "1h", "--json");
    const items = linesOf(run).map((line) => JSON.parse(line) as { target: string; state: string });
    expect(run.exitCode).toBe(0);
    expect(items.map(({ target, state }) => `${target} ${state}`)).toEqual(
      expect.arrayContaining(["intake published", "ce delivered", "email failed"]),
    );
  });
});

describe("causeway targets", () => {
  it("pauses a target with a reason and a name, and goes on calling it", async () => {
    const paused = await causeway("targets", "pause", "crm", "--reason", "upgrade tonight");
    expect(paused).toMatchObject({ exitCode: 0, stdout: "crm is paused; 0 waiting.\n" });
    expect((await causeway("targets", "list")).stdout).toMatch(/^crm .*: upgrade tonight$/m);
    const resumed = await causeway("targets", "resume", "crm", "--reason", "upgraded");
    expect(resumed).toMatchObject({ exitCode: 0, stdout: "crm is called again; 0 woken.\n" });
    expect((await causeway("targets", "list")).stdout).not.toContain("upgrade tonight");
  });

  it("tells what is left of each target's limits, in the console's words", async () => {
    const { stdout } = await causeway("targets", "list");
    expect(stdout).toMatch(/^target +quota +used +of +left +later +as of$/m);
    expect(stdout).toMatch(/^ce +requests in 5 minutes, told by Dataverse +5\d{3} +20\S+ \S+Z$/m);
    const [, used, left] =
      /^email +calls an hour +(\d+) +90 +(\d+) +0 +20\S+ \S+Z$/m.exec(stdout) ?? [];
    expect(Number(used)).toBeGreaterThan(0);
    expect(Number(used) + Number(left)).toBe(90);
    const { targets } = JSON.parse((await causeway("targets", "list", "--json")).stdout) as {
      readonly targets: readonly { readonly name: string; readonly quota: readonly object[] }[];
    };
    expect(targets.find(({ name }) => name === "ce")?.quota[0]).toMatchObject({
      what: "requests in 5 minutes, told by Dataverse",
      left: expect.any(Number),
    });
  });

  it("exits with 3 for a target that is not there, and with 2 without a reason", async () => {
    const unknown = await causeway("targets", "pause", "fax", "--reason", "why not");
    expect(unknown).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining("TARGET_UNKNOWN"),
    });
    expect((await causeway("targets", "pause", "crm")).exitCode).toBe(2);
  });
});

describe("causeway send", () => {
  it("sends a sample about a document that F&O has, which makes no second effect", async () => {
    const { world } = local;
    const sent = await causeway(
      ...["send", "--sample", "sales-invoice", "--company", "usmf", "--number", good.number],
      "--json",
    );
    const { eventId } = JSON.parse(sent.stdout) as { readonly eventId: string };
    expect(sent.exitCode).toBe(0);
    await eventually(async () => {
      // The sample's customer or date is not the document's: another document under that number.
      const { failures } = JSON.parse((await causeway("failures", "list", "--json")).stdout) as {
        readonly failures: readonly { readonly eventId: string; readonly code: string }[];
      };
      expect(failures).toContainEqual(
        expect.objectContaining({ eventId, code: "SOURCE_MISMATCH" }),
      );
    });
    expect(await world.effects(good.number)).toEqual({ ce: 1, crm: 1, email: 1 });
  });

  it("exits with 2 for a sample that there is not", async () => {
    const run = await causeway("send", "--sample", "purchase-order");
    expect(run).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("REQUEST_INVALID") });
  });
});

describe("causeway doctor", () => {
  it("sends a synthetic event through every target, which leaves nothing anywhere", async () => {
    const before = await local.world.failures();
    // A part of the app that takes more than five seconds to answer is not well, which passes.
    await eventually(async () => {
      const run = await causeway("doctor");
      expect(linesOf(run)).toEqual([
        "✓ The function app says that it is well (/api/health)",
        ...["ce", "crm", "email"].map(
          (target) => `✓ A synthetic event of invoice-posted gets through ${target} in dry-run`,
        ),
      ]);
      expect(run.exitCode).toBe(0);
    });
    expect(await local.world.effects("causeway-probe")).toEqual({ ce: 0, crm: 0, email: 0 });
    expect(await local.world.failures()).toHaveLength(before.length);
  });

  it("names the targets that are broken, with what to do, and exits with 1", async () => {
    await local.world.setFault("crm", { status: 503 });
    await local.world.setFault("dataverse", { status: 503 });
    const run = await causeway("doctor");
    await local.world.setFault("crm", null);
    await local.world.setFault("dataverse", null);

    expect(run.exitCode).toBe(1);
    expect(linesOf(run)).toEqual([
      "✓ The function app says that it is well (/api/health)",
      expect.stringMatching(/^✗ .* through ce in dry-run: CE_[A-Z]+ after /),
      expect.stringMatching(/^ {2}→ docs\/runbook\.md#ce_\w+ says what to do$/),
      expect.stringMatching(/^✗ .* through crm in dry-run: CRM_NOT_READ after /),
      "  → docs/runbook.md#crm_not_read says what to do",
      "✓ A synthetic event of invoice-posted gets through email in dry-run",
    ]);
  });

  it("takes the app role Operator, and says which one is missing", async () => {
    const run = await causewayAs("Reader", "doctor");

    expect(run.stdout).toContain("? A synthetic event gets through every target in dry-run");
    expect(run.stdout).toContain("ROLE_MISSING: This needs the app role Operator");
  });
});

describe("causeway failures edit and edits", () => {
  const edit = (...sets: readonly string[]): Promise<CausewayRun> =>
    causeway(
      ...["failures", "edit", "email", bad.failureId, "--reason", "typing error in F&O"],
      ...sets.flatMap((each) => ["--set", each]),
    );

  it("have nothing to list before anybody proposed something", async () => {
    expect(await causeway("edits", "list")).toMatchObject({
      exitCode: 0,
      stdout: "There are no edits.\n",
    });
  });

  it("exit with 2 for what may not be edited and for what is no change", async () => {
    expect(await edit("total=1.00")).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("EDIT_PROTECTED"),
    });
    expect((await edit("customer.email")).exitCode).toBe(2);
    const unknown = await causeway(
      ...[
        "failures",
        "edit",
        "email",
        "no-such-failure",
        "--set",
        "language=de",
        "--reason",
        "x y z",
      ],
    );
    expect(unknown.exitCode).toBe(3);
  });

  it("take two people: one proposes, another approves, and the mail goes to the new address", async () => {
    const { world } = local;
    const proposed = await edit("customer.email=ap@contoso-retail.example");
    expect(proposed.exitCode).toBe(0);
    expect(proposed.stdout).toContain('"ap@bounce.example" → "ap@contoso-retail.example"');
    const [, id = ""] = /causeway edits approve (\S+)/.exec(proposed.stdout) ?? [];

    expect(await causeway("edits", "approve", id)).toMatchObject({
      exitCode: 4,
      stderr: expect.stringContaining("EDIT_OWN"),
    });
    expect(await causewayAs("Reader", "edits", "approve", id)).toMatchObject({
      exitCode: 4,
      stderr: expect.stringContaining("ROLE_MISSING"),
    });
    expect((await causewayAs("Approver", "edits", "approve", id)).exitCode).toBe(0);
    await eventually(async () => {
      expect((await world.mails(bad.number)).map(({ to }) => to)).toEqual([
        ["ap@contoso-retail.example"],
      ]);
    });
    expect((await causeway("edits", "list")).stdout).toContain("approved by ada@causeway.example");
    expect(await causeway("edits", "reject", id, "--reason", "too late")).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("EDIT_DECIDED"),
    });
  });
});

describe("every command", () => {
  it("leaves quietly when whoever read its output has seen enough", async () => {
    const program = fileURLToPath(new URL("../../cli/causeway.js", import.meta.url));
    const child = spawn(process.execPath, [program, "status", "--folder", local.folder]);
    // As `causeway … | head` does.
    child.stdout.destroy();
    const ended = new Promise((resolve) => child.once("close", resolve));
    expect(await text(child.stderr)).toBe("");
    await ended;
  });

  it("says how to start a local Azure where none runs, and exits with 1", async () => {
    const run = await runCauseway(join(local.folder, "nowhere"), ["status"]);
    expect(run).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("LOCAL_NOT_RUNNING"),
    });
  });
});

import { afterAll, describe, expect, it } from "@jest/globals";
import { readdir, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { runStartCommand } from "../support/run-start-command.ts";

const folder = fileURLToPath(new URL(`../../.local/journey-once-${process.pid}`, import.meta.url));

interface Once {
  readonly events: readonly {
    readonly businessKey: string;
    readonly targets: Readonly<Record<string, { readonly status: string }>>;
  }[];
}

const delivered = {
  status: "delivered",
  reference: expect.stringMatching(/./),
  ms: expect.any(Number),
};

describe("npm start", () => {
  it("ends with one clear line and exit code 1 when a port is in use", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    const flags = ["--idle", "--folder", `${folder}-port`, "--port", `finance=${port}`];
    const command = runStartCommand(flags);

    const { exitCode } = await command.ended;

    expect(exitCode).toBe(1);
    expect(command.stderr().trim()).toBe(
      `npm start failed: port ${port} (finance) is in use; end what uses it, or choose another with --port finance=<number>`,
    );
    await rm(`${folder}-port`, { recursive: true, force: true });
    await new Promise((resolve) => other.close(resolve));
  });

  it("-- --once --json prints one JSON document with every delivery as it has to end", async () => {
    const command = runStartCommand(["--once", "--json", "--folder", folder]);
    const { exitCode } = await command.ended;
    const result = JSON.parse(command.stdout()) as Once;
    const sales = "SalesInvoicePostedBusinessEvent";
    const all = { ce: delivered, crm: delivered, email: delivered };
    const event = (
      businessKey: string,
      businessEventId = sales,
      targets: object = all,
    ): object => ({
      eventId: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      businessEventId,
      businessKey,
      targets,
    });
    expect(result).toEqual({
      events: [
        event("usmf/CIV-000001"),
        event("demf/FTI-00000001", "CustFreeTextInvoicePostedBusinessEvent"),
        event("gbsi/CCN-000001"),
        event("jpmf/CIV-000001"),
        event("usmf/CIV-000002", sales, {
          ...all,
          email: { status: "skipped", reference: null, ms: expect.any(Number) },
        }),
        event("usmf/CIV-000003"),
      ],
      lost: 0,
      duplicated: 0,
    });
    expect(exitCode).toBe(0);
    expect(await readdir(folder)).not.toContain("environment.json");
  });

  it.each([
    { flags: ["--nonsense"], complaint: "'--nonsense'" },
    { flags: ["--once", "--idle"], complaint: "exclude each other" },
    { flags: ["--json"], complaint: "--json goes with --once" },
  ])("-- $flags is a wrong call: exit code 2 and the usage", async ({ flags, complaint }) => {
    const command = runStartCommand(flags);
    expect((await command.ended).exitCode).toBe(2);
    expect(command.stderr()).toContain(complaint);
    expect(command.stderr()).toContain("npm start -- [options]");
    expect(command.stdout()).toBe("");
  });
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

import type { AddressInfo } from "node:net";
import { simpleParser, type AddressObject } from "mailparser";
import { SMTPServer } from "smtp-server";
import type { Running } from "../cloud.ts";
import type { Mailbox } from "./mailbox.ts";

/** SMTP into the same inbox as the Email API; no TLS and any sign-in, because only loopback reaches it. */
export async function startSmtp(
  mailbox: Mailbox,
  port = 0,
): Promise<Running & { readonly port: number }> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    logger: false,
    disableReverseLookup: true,
    onAuth: (_auth, _session, done) => done(null, { user: "local" }),
    onData: (stream, session, done) => {
      simpleParser(stream).then(
        (mail) => {
          mailbox.add({
            operationId: null,
            via: "smtp",
            from: session.envelope.mailFrom === false ? "" : session.envelope.mailFrom.address,
            to: addresses(mail.to),
            subject: mail.subject ?? "",
            html: typeof mail.html === "string" ? mail.html : "",
            text: mail.text ?? "",
            headers: {},
          });
          done();
        },
        (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
      );
    },
  });
  server.on("error", () => undefined);
  await new Promise<void>((resolve, reject) => {
    server.server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve());
  });
  const { port: actual } = server.server.address() as AddressInfo;
  return { port: actual, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

function addresses(to: AddressObject | AddressObject[] | undefined): string[] {
  const list = to === undefined ? [] : Array.isArray(to) ? to : [to];
  return list.flatMap(({ value }) => value.flatMap(({ address }) => address ?? []));
}

import { describe, expect, it } from "@jest/globals";
import { createTransport } from "nodemailer";
import { SimulatedClock } from "../../../../local/clock.ts";
import { createMailbox } from "../../../../local/mail/mailbox.ts";
import { startSmtp } from "../../../../local/mail/start-smtp.ts";

describe("startSmtp", () => {
  it("puts a mail of a real SMTP client into the inbox", async () => {
    const mailbox = createMailbox(new SimulatedClock(0));
    const smtp = await startSmtp(mailbox);
    const transport = createTransport({ host: "127.0.0.1", port: smtp.port, ignoreTLS: true });

    await transport.sendMail({
      from: "sender@contoso.example",
      to: "keiri@tailspin.example",
      subject: "請求書 JP-1",
      html: "<p>合計</p>",
    });

    expect(mailbox.list()).toMatchObject([
      { via: "smtp", to: ["keiri@tailspin.example"], subject: "請求書 JP-1", html: "<p>合計</p>" },
    ]);
    transport.close();
    await smtp.close();
  });
});

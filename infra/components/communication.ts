import * as pulumi from "@pulumi/pulumi";
import {
  CommunicationService,
  Domain,
  EmailService,
  SenderUsername,
} from "@pulumi/azure-native/communication/index.js";
import type { MailConfig } from "../stack-config.ts";
import { sendDiagnostics } from "./diagnostics.ts";
import type { Placement } from "./placement.ts";

export interface CommunicationArgs extends Placement {
  readonly mail: MailConfig;
}

/** The mail sender: Azure's own domain, or the company's. */
export class Communication extends pulumi.ComponentResource {
  readonly serviceId: pulumi.Output<string>;
  readonly endpoint: pulumi.Output<string>;
  /** The part of every sender's address after the @. */
  readonly senderDomain: pulumi.Output<string>;

  readonly #name: string;
  readonly #args: CommunicationArgs;

  constructor(name: string, args: CommunicationArgs, opts?: pulumi.ComponentResourceOptions) {
    super("causeway:communication:Communication", name, {}, opts);
    this.#name = name;
    this.#args = args;
    const domain = this.#createDomain();
    const isLinkable = args.mail.domain === "managed" || args.mail.isVerified;
    const service = new CommunicationService(
      `${name}-service`,
      {
        resourceGroupName: args.resourceGroupName,
        communicationServiceName: args.nameOf("communicationService"),
        location: "global",
        dataLocation: args.mail.dataLocation,
        disableLocalAuth: true,
        linkedDomains: isLinkable ? [domain.id] : [],
        tags: args.tags,
      },
      { parent: this },
    );
    sendDiagnostics(name, { resourceUri: service.id, workspaceId: args.workspaceId }, this);
    this.serviceId = service.id;
    this.endpoint = pulumi.interpolate`https://${service.hostName}`;
    this.senderDomain = domain.fromSenderDomain;
    this.registerOutputs({ endpoint: this.endpoint });
  }

  #createDomain(): Domain {
    const { mail, nameOf, resourceGroupName, tags } = this.#args;
    const isManaged = mail.domain === "managed";
    const emailService = new EmailService(
      `${this.#name}-mail`,
      {
        resourceGroupName,
        emailServiceName: nameOf("emailService"),
        location: "global",
        dataLocation: mail.dataLocation,
        tags,
      },
      { parent: this },
    );
    const domain = new Domain(
      `${this.#name}-domain`,
      {
        resourceGroupName,
        emailServiceName: emailService.name,
        // Azure knows its own domain by this fixed name only.
        domainName: isManaged ? "AzureManagedDomain" : (mail.domainName ?? ""),
        domainManagement: isManaged ? "AzureManaged" : "CustomerManaged",
        location: "global",
        tags,
      },
      { parent: this },
    );
    for (const sender of mail.senders) {
      new SenderUsername(
        `${this.#name}-${sender.username}`,
        {
          resourceGroupName,
          emailServiceName: emailService.name,
          domainName: domain.name,
          senderUsername: sender.username,
          username: sender.username,
          displayName: sender.displayName ?? sender.username,
        },
        { parent: this },
      );
    }
    return domain;
  }
}

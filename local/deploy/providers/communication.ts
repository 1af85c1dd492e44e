import { nameFromArmId } from "../arm-id.ts";
import type { HandlerContext, Provider } from "../provider.ts";

const PROVIDER = "Microsoft.Communication";
const MANAGED_DOMAIN = "AzureManagedDomain";

export const communicationProvider: Provider = {
  resources: {
    "azure-native:communication:EmailService": (_resource, { armId, inputs }) => ({
      id: armId(PROVIDER, "emailServices", inputs.text("emailServiceName")),
    }),
    "azure-native:communication:Domain": (_resource, context) => {
      const { cloud, inputs } = context;
      const name = inputs.text("domainName");
      const domain = name === MANAGED_DOMAIN ? cloud.mail.managedDomain : name;
      return {
        id: domainId(context, name),
        outputs: { fromSenderDomain: domain, mailFromSenderDomain: domain },
      };
    },
    "azure-native:communication:SenderUsername": (_resource, context) => {
      const { inputs } = context;
      const domain = domainId(context, inputs.text("domainName"));
      return { id: `${domain}/senderUsernames/${inputs.text("senderUsername")}` };
    },
    "azure-native:communication:CommunicationService": async (_resource, context) => {
      const { armId, cloud, inputs } = context;
      const id = armId(PROVIDER, "communicationServices", inputs.text("communicationServiceName"));
      const domains = inputs
        .texts("linkedDomains")
        .map(nameFromArmId)
        .map((name) => (name === MANAGED_DOMAIN ? cloud.mail.managedDomain : name));
      await cloud.mail.createService(id, domains);
      return { id, outputs: { hostName: cloud.mail.host } };
    },
  },
};

function domainId({ armId, inputs }: HandlerContext, domain: string): string {
  return armId(PROVIDER, "emailServices", inputs.text("emailServiceName"), "domains", domain);
}

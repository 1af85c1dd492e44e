import type { HandlerContext, Provider } from "../provider.ts";

const PROVIDER = "Microsoft.Web";

export const functionsProvider: Provider = {
  resources: {
    "azure-native:web:AppServicePlan": (_resource, { armId, inputs }) => ({
      id: armId(PROVIDER, "serverfarms", inputs.text("name")),
    }),
    "azure-native:web:WebApp": async (_resource, { armId, cloud, inputs }) => {
      const name = inputs.text("name");
      const id = armId(PROVIDER, "sites", name);
      const settings = Object.fromEntries(
        inputs
          .list("siteConfig.appSettings")
          .map((setting) => [String(setting["name"]), String(setting["value"])]),
      );
      const identities = inputs.texts("identity.userAssignedIdentities");
      const app = { resourceId: id, name, settings, identities };
      const { hostName } = await cloud.functions.createApp(app);
      return { id, outputs: { defaultHostName: hostName } };
    },
    // There are no publishing passwords here that could be switched off.
    "azure-native:web:WebAppFtpAllowed": (_resource, context) => policyOf(context, "ftp"),
    "azure-native:web:WebAppScmAllowed": (_resource, context) => policyOf(context, "scm"),
    // In Azure this command posts the package to OneDeploy; here the host gets it by hand.
    "command:local:Command": async (resource, { cloud, inputs }) => {
      const app = inputs.text("environment.CAUSEWAY_FUNCTION_APP");
      await cloud.functions.deployPackage(app, inputs.text("environment.CAUSEWAY_PACKAGE"));
      return { id: resource.name, outputs: { stdout: "", stderr: "" } };
    },
  },
  calls: {
    "azure-native:web:listWebAppHostKeys": ({ name }, cloud) => ({
      functionKeys: { ...cloud.functions.hostKeys(String(name)) },
      systemKeys: {},
    }),
    "azure-native:web:listWebAppFunctionKeys": ({ functionName, name }, cloud) => ({
      properties: { ...cloud.functions.functionKeys(String(name), String(functionName)) },
    }),
  },
};

function policyOf({ armId, inputs }: HandlerContext, kind: string): { readonly id: string } {
  const app = inputs.text("name");
  return { id: armId(PROVIDER, "sites", app, "basicPublishingCredentialsPolicies", kind) };
}

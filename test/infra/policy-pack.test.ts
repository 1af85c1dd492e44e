import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { credentials } from "@grpc/grpc-js";
import analyzerServices from "@pulumi/pulumi/proto/analyzer_grpc_pb.js";
import analyzer from "@pulumi/pulumi/proto/analyzer_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import { connectGuardFile } from "../../local/connect-guard.ts";
import { policyRules } from "../../infra/policy/rules.ts";

const folder = join(import.meta.dirname, "../../infra/policy");
/** What the CLI starts for a pack, in its folder: its protocol goes over the port that it prints. */
const runner = createRequire(import.meta.url).resolve(
  "@pulumi/pulumi/cmd/run-policy-pack/index.js",
);

describe("the policy pack, run as Pulumi's CLI runs it", () => {
  let pack: ChildProcess;
  let client: InstanceType<typeof analyzerServices.AnalyzerClient>;

  beforeAll(async () => {
    pack = spawn(process.execPath, ["--import", connectGuardFile, runner, "127.0.0.1:1", "."], {
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
    });
    if (pack.stdout === null) throw new Error("it says nothing");
    const [port] = (await once(pack.stdout, "data")) as [Buffer];
    client = new analyzerServices.AnalyzerClient(
      `127.0.0.1:${port.toString().trim()}`,
      credentials.createInsecure(),
    );
  });

  afterAll(() => {
    client.close();
    pack.kill("SIGKILL");
  });

  it("offers all rules", async () => {
    const info = await new Promise<analyzer.AnalyzerInfo>((resolve, reject) => {
      client.getAnalyzerInfo(new empty.Empty(), (error, answer) =>
        error === null ? resolve(answer) : reject(error),
      );
    });

    expect(info.getPoliciesList().map((policy) => policy.getName())).toEqual(
      expect.arrayContaining(policyRules.map(({ name }) => name)),
    );
  });

  it("finds a storage account that takes http, and says why it should not", async () => {
    const account = new analyzer.AnalyzerResource();
    account.setType("azure-native:storage:StorageAccount");
    account.setName("open");
    account.setUrn("urn:pulumi:dev::causeway::azure-native:storage:StorageAccount::open");
    const options = new analyzer.AnalyzerResourceOptions();
    options.setCustomtimeouts(new analyzer.AnalyzerResourceOptions.CustomTimeouts());
    account.setOptions(options);
    account.setProperties(Struct.fromJavaScript({ enableHttpsTrafficOnly: false }));
    const request = new analyzer.AnalyzeStackRequest();
    request.setResourcesList([account]);
    const answer = await new Promise<analyzer.AnalyzeResponse>((resolve, reject) => {
      client.analyzeStack(request, (error, found) =>
        error === null ? resolve(found) : reject(error),
      );
    });

    const said = answer
      .getDiagnosticsList()
      .map((one) => `${one.getPolicyname()}: ${one.getMessage()}`);
    expect(said).toContainEqual(
      expect.stringMatching(
        /^storage-https-only: [^]*open takes http\. Invoices do not travel in clear\. https:/,
      ),
    );
  });
});

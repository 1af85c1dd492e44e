import { join } from "node:path";
import { createAccessControl } from "../access-control.ts";
import { createAccessRoutes } from "../access-routes.ts";
import type { LocalCertificate } from "../certificate-authority.ts";
import type { LocalClock } from "../clock.ts";
import type { LocalServices, RoleAdministration, Running } from "../cloud.ts";
import { startFrontDoor, type FrontDoor } from "../front-door.ts";
import { toDirectoryId } from "../identity/directory.ts";
import { createIdentityApp, type IdentityService } from "../identity/identity-app.ts";
import { createLoopbackHttp, type LoopbackHttp } from "./loopback-http.ts";
import { openOn, type PortName, type Ports } from "./ports.ts";
import type { Storage } from "./start-storage.ts";

/** What every local service stands on. */
export interface Base {
  readonly folder: string;
  readonly caFile: string;
  readonly certificate: LocalCertificate;
  readonly services: LocalServices;
  readonly identity: IdentityService;
  readonly identityDoor: FrontDoor;
  readonly http: LoopbackHttp;
  readonly log: (line: string) => void;
  /** The same that `services.access` is, with its administration. */
  readonly roles: RoleAdministration;
  /** Closed in reverse order when the local Azure closes. */
  readonly keep: <T extends Running>(running: T) => T;
  readonly ports: Ports;
  readonly serve: (name: PortName, fetch: Fetch) => Promise<FrontDoor>;
  /** Opened so far. */
  readonly doors: readonly FrontDoor[];
}

type Fetch = (request: Request) => Response | Promise<Response>;

export const tenantId = toDirectoryId("tenant", "local");

/** Certificates, identities and roles, and a way to open doors. */
export async function startBase(options: {
  readonly folder: string;
  readonly authority: Storage["authority"];
  readonly clock: LocalClock;
  readonly random: (() => number) | undefined;
  readonly ports: Ports;
  readonly log: (line: string) => void;
  readonly keep: Base["keep"];
}): Promise<Base> {
  const { folder, clock, random = Math.random, ports, log, keep } = options;
  const { caFile, certificate } = await options.authority;
  const issuerKeyFile = join(folder, "issuer-key.pem");
  const identity = await createIdentityApp({ clock, log }, { tenantId, issuerKeyFile });
  const access = createAccessControl();
  identity.app.route("/", createAccessRoutes(access));
  const doors: FrontDoor[] = [];
  const http = createLoopbackHttp(certificate.ca, (port) =>
    doors.find((door) => door.port === port),
  );
  keep({
    close: () => {
      http.close();
      return Promise.resolve();
    },
  });
  const serve = async (name: PortName, fetch: Fetch): Promise<FrontDoor> => {
    const door = await openOn(name, ports, (port) => startFrontDoor({ fetch, certificate, port }));
    doors.push(door);
    return keep(door);
  };
  return {
    folder,
    caFile,
    certificate,
    services: { clock, access, tokens: identity.tokens, log, random },
    identity,
    identityDoor: await serve("identity", (request) => identity.app.fetch(request)),
    http,
    log,
    roles: access,
    keep,
    ports,
    serve,
    doors,
  };
}

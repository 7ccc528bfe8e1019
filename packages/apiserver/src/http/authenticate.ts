import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";
import { PlatformError, deepEqual } from "@threeport/resource";
import type { User } from "@threeport/store";
import type { Authenticate, ClientCertificate, Presented } from "../auth/authenticate.ts";
import { impersonated } from "../auth/impersonate.ts";
import type { Authorizer } from "../auth/policy.ts";
import { withAuthenticated } from "../auth/users.ts";

const bearer = /^Bearer ([\w\-.~+/=]{1,8192})$/i;

/** Who stands behind a request. */
export interface Session {
  /** On whose behalf it is: himself, or whom he impersonates. */
  readonly user: User;
  /** Whose credential it came with. */
  readonly authenticated: User;
  /** Asks again, for what lasts: false when the credential, or the right to impersonate, is gone. */
  stillValid(): Promise<boolean>;
}

/** @throws PlatformError TP_UNAUTHORIZED, and TP_FORBIDDEN for an impersonation that is not allowed */
export async function openSession(authenticate: Authenticate, authorizer: Authorizer, request: IncomingMessage): Promise<Session> {
  const { authorization } = request.headers;
  // Who sends a token means it: one that is not valid is not made good by a certificate.
  const presented: Presented =
    authorization === undefined ? { certificate: certificateOf(request.socket as TLSSocket) } : { token: bearer.exec(authorization)?.[1] };
  const identity = await authenticate(presented);
  if (identity === undefined) throw new PlatformError("TP_UNAUTHORIZED", { message: why(authorization, request) });
  const authenticated = withAuthenticated(identity.user);
  const user = impersonates(request) ? impersonated(authorizer, authenticated, request.headersDistinct) : authenticated;
  return {
    user,
    authenticated,
    async stillValid() {
      const again = await authenticate(presented);
      // Who lost a group is somebody else: his next request shows what he may.
      if (again === undefined || again.user.name !== identity.user.name || !deepEqual(again.user.groups, identity.user.groups)) return false;
      if (user === authenticated) return true;
      try {
        impersonated(authorizer, withAuthenticated(again.user), request.headersDistinct);
        return true;
      } catch {
        return false; // whatever the reason, he could not open it now
      }
    },
  };
}

/** Nearly no request does, and collecting all values of all headers costs. */
function impersonates(request: IncomingMessage): boolean {
  return request.rawHeaders.some((text, index) => index % 2 === 0 && text.length > 11 && text.slice(0, 12).toLowerCase() === "impersonate-");
}

const certificates = new WeakMap<TLSSocket, ClientCertificate | undefined>();

/** The certificate that the client showed, when it is signed by our authority; read once for a connection. */
function certificateOf(socket: TLSSocket): ClientCertificate | undefined {
  if (socket.authorized !== true) return undefined;
  if (certificates.has(socket)) return certificates.get(socket);
  const { subject, valid_to: validTo, fingerprint256 } = socket.getPeerCertificate();
  const { CN: commonName, O: organizations } = (subject ?? {}) as unknown as { CN?: string | string[]; O?: string | string[] };
  const certificate =
    typeof commonName !== "string"
      ? undefined
      : {
          commonName,
          organizations: [organizations ?? []].flat(),
          expiresAtMs: Date.parse(validTo),
          fingerprint: fingerprint256.replaceAll(":", "").toLowerCase(),
        };
  certificates.set(socket, certificate);
  return certificate;
}

function why(authorization: string | undefined, request: IncomingMessage): string {
  if (authorization !== undefined) return "Unauthorized: the token is not known to this control plane, or no longer valid";
  const shown = (request.socket as TLSSocket).getPeerCertificate().subject as unknown;
  if (shown !== undefined) return "Unauthorized: the client certificate is not signed by this control plane, or no longer valid";
  return "Unauthorized: send a bearer token; tptctl up writes one into your kubeconfig";
}

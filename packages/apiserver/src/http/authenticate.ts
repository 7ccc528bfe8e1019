import { PlatformError } from "@threeport/resource";
import type { User } from "@threeport/store";

/** Who holds a token; undefined when nobody does. */
export type Authenticate = (token: string) => Promise<User | undefined>;

const bearer = /^Bearer ([\w\-.~+/=]{1,4096})$/i;

/** @throws PlatformError TP_UNAUTHORIZED */
export async function authenticateHeader(authenticate: Authenticate, header: string | undefined): Promise<User> {
  const token = bearer.exec(header ?? "")?.[1];
  const user = token === undefined ? undefined : await authenticate(token);
  if (user !== undefined) return user;
  const message =
    header === undefined
      ? "Unauthorized: send a bearer token; tptctl up writes one into your kubeconfig"
      : "Unauthorized: the token is not known to this control plane";
  throw new PlatformError("TP_UNAUTHORIZED", { message });
}

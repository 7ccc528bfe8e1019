import type { Random } from "@threeport/platform";
import type { Store } from "@threeport/store";
import { readIfThere, writeSecretFile, type Home } from "./home.ts";

export interface AdminAccessInput {
  readonly home: Home;
  readonly store: Store;
  readonly random: Random;
  readonly url: string;
  readonly caPem: string;
}

/** Keeps the administrator's kubeconfig true: token (made once, only its hash is in the database), address and CA. */
export async function adminAccess(input: AdminAccessInput): Promise<void> {
  const { home, store, random } = input;
  const known = /^\s*token: "?([\w-]+)"?\s*$/m.exec((await readIfThere(home.adminKubeconfig)) ?? "")?.[1];
  const valid = known !== undefined && (await store.credentials.find(known)) !== undefined;
  const token = valid ? known : `tp-${Buffer.from(random.bytes(32)).toString("base64url")}`;
  if (!valid) await store.credentials.put(token, { name: "admin", groups: ["system:masters"] });
  await writeSecretFile(home.adminKubeconfig, kubeconfig(input.url, input.caPem, token));
}

function kubeconfig(url: string, caPem: string, token: string): string {
  return `apiVersion: v1
kind: Config
clusters:
  - name: threeport
    cluster:
      server: ${url}
      certificate-authority-data: ${Buffer.from(caPem).toString("base64")}
users:
  - name: threeport-admin
    user:
      token: ${token}
contexts:
  - name: threeport
    context:
      cluster: threeport
      user: threeport-admin
current-context: threeport
`;
}

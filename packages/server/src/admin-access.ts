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

/** A kubeconfig for somebody with a client certificate. */
export function clientKubeconfig(url: string, caPem: string, user: string, pair: { readonly certificatePem: string; readonly privateKeyPem: string }): string {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  return kubeconfigWith(url, caPem, JSON.stringify(user), [
    `client-certificate-data: ${base64(pair.certificatePem)}`,
    `client-key-data: ${base64(pair.privateKeyPem)}`,
  ]);
}

function kubeconfig(url: string, caPem: string, token: string): string {
  return kubeconfigWith(url, caPem, "threeport-admin", [`token: ${token}`]);
}

function kubeconfigWith(url: string, caPem: string, user: string, credential: readonly string[]): string {
  return `apiVersion: v1
kind: Config
clusters:
  - name: threeport
    cluster:
      server: ${url}
      certificate-authority-data: ${Buffer.from(caPem).toString("base64")}
users:
  - name: ${user}
    user:
      ${credential.join("\n      ")}
contexts:
  - name: threeport
    context:
      cluster: threeport
      user: ${user}
current-context: threeport
`;
}

import { rotateSigningKeys } from "@threeport/apiserver";
import { PlatformError } from "@threeport/resource";
import { openStore } from "@threeport/store";
import { clientKubeconfig } from "./admin-access.ts";
import { openConnectionBeside } from "./database-commands.ts";
import type { ProgramCommand } from "./database-commands.ts";
import { homeKeys } from "./home-keys.ts";
import { openHome, readIfThere } from "./home.ts";
import { readAuthority } from "./tls.ts";

const dayMs = 86_400_000;
/** Life of a client certificate. It cannot be taken back before, so it is short. */
const certificateDays = 30;
/** Life of a token may be long; who rotates after a leak says so. */
const keepKeysMs = 365 * dayMs;

/** Commands of the server's program that make and end credentials. */
export const accessCommands: Readonly<Record<string, ProgramCommand>> = {
  "client-certificate": {
    words: 3,
    /** A kubeconfig with a certificate for this user and these groups, on standard output. */
    async run([, user = "", groups = ""], configuration, tools) {
      if (user === "" || user.startsWith("-") || groups.startsWith("-"))
        throw new PlatformError("TP_BAD_REQUEST", { message: 'say who: client-certificate USER GROUP,GROUP (or "") [--home DIR]' });
      const home = await openHome(configuration.home);
      const authority = await readAuthority(home);
      const server = await readIfThere(home.serverFile);
      if (authority === undefined || server === undefined)
        throw new PlatformError("TP_UNAVAILABLE", { message: `no control plane runs in ${home.folder}; start it first: tptctl up` });
      const { issue } = await import("@threeport/platform/pki");
      const pair = await issue(authority, {
        subject: { commonName: user, organizations: groups.split(",").filter((group) => group !== "") },
        usages: ["client"],
        nowMs: tools.clock.now(),
        validForMs: certificateDays * dayMs,
      });
      return clientKubeconfig((JSON.parse(server) as { url: string }).url, authority.certificatePem, user, pair);
    },
  },
  "rotate-signing-keys": {
    words: 2,
    async run([, what = ""], configuration, tools) {
      if (what !== "keep" && what !== "drop")
        throw new PlatformError("TP_BAD_REQUEST", {
          message: "say what becomes of tokens that the old keys signed: rotate-signing-keys keep (they hold until they expire) or drop (they end now)",
        });
      await using stack = new AsyncDisposableStack();
      const home = await openHome(configuration.home);
      const { connection } = await openConnectionBeside(configuration, home, tools, stack);
      const store = stack.use(await openStore({ connection, keyEncryptionKey: homeKeys(home, tools.environment), clock: tools.clock, log: tools.log }));
      const count = await rotateSigningKeys({ store, clock: tools.clock, random: tools.random }, what === "keep" ? keepKeysMs : 0);
      return `a new key signs the tokens of ServiceAccounts; ${count === 1 ? "no older one is accepted any more" : `${count - 1} older ones are still accepted`}`;
    },
  },
};

import { get } from "node:https";

/** Whether `/readyz` answers 200. The server's certificate is not looked at: it may be made only while we ask. */
export function isReady(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const request = get({ host: "127.0.0.1", port, path: "/readyz", rejectUnauthorized: false, agent: false, timeout: 2_000 }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode === 200 ? true : undefined));
    });
    request.on("error", () => resolve(undefined));
    request.on("timeout", () => request.destroy());
  });
}

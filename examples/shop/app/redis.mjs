// As much of a Redis client as this shop needs: a connection for each call, commands sent together, answers in their order.
import { connect } from "node:net";

/** Sends commands (lists of words) and gives their answers. @param {string} address redis://user:password@host:port */
export async function redis(address, ...commands) {
  const { hostname, port, username, password } = new URL(address);
  const sent = [["AUTH", username, decodeURIComponent(password)], ...commands];
  const socket = connect(Number(port), hostname);
  socket.setTimeout(5_000, () => socket.destroy(new Error("Redis does not answer")));
  socket.write(sent.map((words) => `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`).join(""));
  const answers = [];
  let text = "";
  try {
    for await (const chunk of socket.setEncoding("utf8")) {
      text += chunk;
      for (let answer = readAnswer(text); answer !== undefined; answer = readAnswer(text)) {
        text = text.slice(answer.length);
        if (answer.error !== undefined) throw new Error(`Redis: ${answer.error}`);
        answers.push(answer.value);
      }
      if (answers.length === sent.length) return answers.slice(1);
    }
    throw new Error("Redis ended the connection");
  } finally {
    socket.destroy();
  }
}

/** The first answer of a text: a word, a number or an error; undefined while it is not all there. */
function readAnswer(text) {
  const end = text.indexOf("\r\n");
  if (end < 0) return undefined;
  const line = text.slice(1, end);
  if (text[0] === "-") return { length: end + 2, error: line };
  if (text[0] !== "$") return { length: end + 2, value: line };
  if (line === "-1") return { length: end + 2, value: null };
  const length = end + 2 + Number(line) + 2;
  return text.length < length ? undefined : { length, value: text.slice(end + 2, length - 2) };
}

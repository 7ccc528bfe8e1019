// As much of an AMQP 0-9-1 client as this shop needs: one connection with one channel, and one durable queue.
import { EventEmitter, once } from "node:events";
import { connect } from "node:net";

const method = (classId, methodId, ...parts) => Buffer.concat([short(classId), short(methodId), ...parts]);
const octet = (number) => Buffer.from([number]);
const short = (number) => Buffer.from([number >> 8, number & 255]);
const long = (number) => Buffer.from(Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number));
const longLong = (number) => Buffer.concat([long(Math.floor(number / 2 ** 32)), long(number % 2 ** 32)]);
const shortText = (text) => Buffer.concat([octet(Buffer.byteLength(text)), Buffer.from(text)]);
const longText = (text) => Buffer.concat([long(Buffer.byteLength(text)), Buffer.from(text)]);
const noTable = long(0);
const [methodFrame, headerFrame, bodyFrame, frameEnd] = [1, 2, 3, 0xce];

/**
 * Opens a queue. `publish` resolves when the server has the message on disk; `consume` hands over one message after another, and each is done with when `work`
 * has resolved. `ended` rejects when the connection is lost. @param {string} address amqp://user:password@host:port/vhost @param {string} queue
 */
export async function openQueue(address, queue) {
  const { hostname, port, username, password, pathname } = new URL(address);
  const socket = connect(Number(port), hostname);
  const methods = new EventEmitter();
  const { promise: ended, reject: end } = Promise.withResolvers();
  ended.catch(() => {});
  const send = (type, channel, payload) => socket.write(Buffer.concat([octet(type), short(channel), long(payload.length), payload, octet(frameEnd)]));
  const call = async (channel, payload, answer) => {
    const answered = Promise.race([once(methods, answer), ended]);
    send(methodFrame, channel, payload);
    await answered;
  };
  socket.once("close", () => end(new Error("RabbitMQ ended the connection")));
  socket.once("error", end);
  readFrames(socket, methods);
  methods.once("10.50", (rest) => end(new Error(`RabbitMQ: ${rest.subarray(3, 3 + rest[2])}`)));
  methods.once("20.40", (rest) => end(new Error(`RabbitMQ: ${rest.subarray(3, 3 + rest[2])}`)));

  const started = Promise.race([once(methods, "10.10"), ended]);
  socket.write(Buffer.from("AMQP\0\0\u0009\u0001", "latin1"));
  await started;
  const login = longText(`\0${decodeURIComponent(username)}\0${decodeURIComponent(password)}`);
  await call(0, method(10, 11, noTable, shortText("PLAIN"), login, shortText("en_US")), "10.30");
  send(methodFrame, 0, method(10, 31, short(1), long(131_072), short(0))); // one channel, no heartbeats
  await call(0, method(10, 40, shortText(decodeURIComponent(pathname.slice(1))), shortText(""), octet(0)), "10.41");
  await call(1, method(20, 10, shortText("")), "20.11");
  await call(1, method(50, 10, short(0), shortText(queue), octet(0b10), noTable), "50.11"); // durable
  await call(1, method(85, 10, octet(0)), "85.11"); // publishing is confirmed

  let published = 0;
  return {
    ended,
    async publish(text) {
      const number = ++published;
      const body = Buffer.from(text);
      const confirmed = Promise.race([confirmationOf(methods, number), ended]);
      send(methodFrame, 1, method(60, 40, short(0), shortText(""), shortText(queue), octet(0)));
      send(headerFrame, 1, Buffer.concat([short(60), short(0), longLong(body.length), short(0x1000), octet(2)])); // persistent
      send(bodyFrame, 1, body);
      await confirmed;
    },
    async consume(work) {
      const take = async ({ tag, text }) => {
        try {
          await work(text);
          send(methodFrame, 1, method(60, 80, tag, octet(0)));
        } catch (error) {
          socket.destroy(error); // what was not acknowledged is handed over again
        }
      };
      methods.on("message", (message) => void take(message));
      await call(1, method(60, 10, long(0), short(1), octet(0)), "60.11");
      await call(1, method(60, 20, short(0), shortText(queue), shortText(""), octet(0), noTable), "60.21");
    },
    close: () => socket.destroy(),
  };
}

/** A confirmation may stand for all messages up to its number. */
function confirmationOf(methods, number) {
  const { promise, resolve } = Promise.withResolvers();
  const look = (rest) => {
    const confirmed = Number(rest.readBigUInt64BE(0));
    if (confirmed !== number && !(rest[8] === 1 && confirmed > number)) return;
    methods.off("60.80", look);
    resolve();
  };
  methods.on("60.80", look);
  return promise;
}

/** Emits `class.method` with what follows, and `message` when all of one is there. */
function readFrames(socket, methods) {
  let bytes = Buffer.alloc(0);
  let message;
  const read = (type, payload) => {
    if (type === methodFrame) {
      const name = `${payload.readUInt16BE(0)}.${payload.readUInt16BE(2)}`;
      const rest = payload.subarray(4);
      const tagAt = 1 + (rest[0] ?? 0);
      if (name === "60.60") message = { tag: rest.subarray(tagAt, tagAt + 8), text: "" };
      else methods.emit(name, rest);
    } else if (type === headerFrame) message.length = Number(payload.readBigUInt64BE(4));
    else if (type === bodyFrame) message.text += payload.toString();
    if (message?.length === undefined || Buffer.byteLength(message.text) < message.length) return;
    methods.emit("message", message);
    message = undefined;
  };
  socket.on("data", (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 7 && bytes.length >= 8 + bytes.readUInt32BE(3)) {
      const end = 7 + bytes.readUInt32BE(3);
      read(bytes[0], bytes.subarray(7, end));
      bytes = bytes.subarray(end + 1);
    }
  });
}

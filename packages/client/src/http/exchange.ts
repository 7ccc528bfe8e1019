import type { Dispatcher } from "undici";
import { PlatformError } from "@threeport/resource";
import type { ResponseHeaders } from "./warnings.ts";

export interface Answer {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** Decoded bytes; "" when there are none. */
  readonly text: string;
}

/** Longest answer that is read into memory. A page of 500 objects of the largest size etcd takes stays below; V8 strings end at 512 MiB. */
export const answerBytesMax = 256 * 1024 * 1024;

/**
 * One request and its whole answer, straight on undici's dispatch interface: no stream object and no copy for the usual answer of
 * one chunk. `cancel` ends it at any stage, also while it waits for a connection.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #settle = Promise.withResolvers<Answer>();
  #controller: Dispatcher.DispatchController | undefined;
  #cancelled: { readonly reason: Error } | undefined;
  #status = 0;
  #headers: ResponseHeaders = {};
  #first: Buffer | undefined;
  #more: Buffer[] | undefined;
  #bytes = 0;

  get answer(): Promise<Answer> {
    return this.#settle.promise;
  }

  cancel(reason: Error): void {
    this.#cancelled = { reason };
    this.#settle.reject(reason);
    this.#controller?.abort(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#cancelled !== undefined) controller.abort(this.#cancelled.reason);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: ResponseHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > answerBytesMax) {
      this.cancel(
        new PlatformError("TP_RUNTIME_ANSWER_INVALID", {
          message: `the answer is longer than ${answerBytesMax / 1024 / 1024} MiB; ask for fewer objects at once`,
        }),
      );
    } else if (this.#first === undefined) this.#first = chunk;
    else if (this.#more === undefined) this.#more = [this.#first, chunk];
    else this.#more.push(chunk);
  }

  onResponseEnd(): void {
    const bytes = this.#more === undefined ? this.#first : Buffer.concat(this.#more, this.#bytes);
    this.#settle.resolve({ status: this.#status, headers: this.#headers, text: bytes === undefined ? "" : bytes.toString("utf8") });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#settle.reject(error);
  }
}

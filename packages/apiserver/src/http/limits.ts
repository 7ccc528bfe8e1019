import type { FlowLimits } from "../flow/create-flow.ts";

/** What one client may ask of the server before it is cut. */
export interface ServerLimits extends FlowLimits {
  /** Largest request body. kube-apiserver's number: 3 MiB. */
  readonly bodyBytesMax: number;
  /** Largest head of a request; tokens and long selectors fit many times. */
  readonly headerBytesMax: number;
  /** Time for the TLS handshake. */
  readonly handshakeTimeoutMs: number;
  /** Time in which the head of a request must have come. */
  readonly headersTimeoutMs: number;
  /** Time in which the whole request must have come: slow bodies must not hold connections. */
  readonly requestTimeoutMs: number;
  /** How often the two above are looked at. */
  readonly timeoutCheckMs: number;
  /** An idle connection is kept for the next request this long; clients give up theirs after 60 to 90 s. */
  readonly keepAliveMs: number;
  /** Connections from one address on which nobody has been recognised yet; further ones are closed. */
  readonly strangersPerAddressMax: number;
}

export const defaultLimits: ServerLimits = {
  bodyBytesMax: 3 * 1024 * 1024,
  headerBytesMax: 64 * 1024,
  handshakeTimeoutMs: 10_000,
  headersTimeoutMs: 15_000,
  requestTimeoutMs: 60_000,
  timeoutCheckMs: 5_000,
  keepAliveMs: 120_000,
  strangersPerAddressMax: 512,
  requestsInFlightMax: 64,
  requestsInFlightPerUserMax: 32,
  requestsWaitingPerUserMax: 128,
  requestWaitMsMax: 10_000,
  requestsPerSecondPerUser: 500,
  requestBurstPerUser: 1_000,
  watchesPerUserMax: 2_000,
  loopLagMsMax: 2_000,
};

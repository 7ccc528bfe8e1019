/**
 * The parts of undici that plain requests need. Its main entry also loads fetch, WebSocket, caches and mocks: 110 ms of CPU against 40 ms
 * (Node 24, 2 cores), which every `tptctl` command would pay. The paths are private to undici, so its version is exact, and this file is the only
 * one that names them.
 */
import request from "undici/lib/api/api-request.js";
import Pool from "undici/lib/dispatcher/pool.js";

export { Pool, request };

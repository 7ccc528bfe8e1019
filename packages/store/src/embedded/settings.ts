import { socketPort } from "./socket-folder.ts";

/** How the server is set up. Given on the command line, so nothing in a file of the folder can weaken it. */
export interface ServerSettings {
  readonly sharedBuffersMiB: number;
  readonly connectionsMax: number;
  /** `none` loses the folder when the machine stops; only databases that nobody misses (tests) may ask for it. */
  readonly durability: "full" | "none";
}

/** A laptop's share: the table of changes is read from its newest end, so a small cache serves it; the system's page cache holds the rest and gives it back when others need it. */
export const productSettings: ServerSettings = { sharedBuffersMiB: 16, connectionsMax: 40, durability: "full" };

/** WAL kept between checkpoints: bounds both disk use and the time of crash recovery. PostgreSQL's default is 1 GB. */
const walSizeMaxMiB = 256;

export function settingsArguments(settings: ServerSettings, major: number, socketFolder: string): readonly string[] {
  const durable = settings.durability === "full" ? "on" : "off";
  const values: Record<string, string> = {
    listen_addresses: "",
    port: String(socketPort), // part of the socket's name; a PGPORT in the environment must not change it
    unix_socket_directories: quoteListItem(socketFolder),
    unix_socket_permissions: "0700",
    fsync: durable,
    synchronous_commit: durable,
    full_page_writes: durable,
    // nobody streams from this server: backup is a dump
    wal_level: "minimal",
    max_wal_senders: "0",
    max_wal_size: `${walSizeMaxMiB}MB`,
    shared_buffers: `${settings.sharedBuffersMiB}MB`,
    max_connections: String(settings.connectionsMax),
    superuser_reserved_connections: "0", // we are the only user, and a superuser
    jit: "off", // short statements only: compiling costs more than it saves
    autovacuum: "on",
    autovacuum_max_workers: "2",
    // helpers for queries that we do not have; each would be a process or take shared memory
    max_parallel_workers_per_gather: "0",
    max_logical_replication_workers: "0",
    password_encryption: "scram-sha-256",
    client_connection_check_interval: "2s", // what a killed control plane left running or waiting ends soon, and with it its row locks
    // statements and their details may hold what must not be in a log (S7)
    log_min_error_statement: "panic",
    log_error_verbosity: "terse",
    log_checkpoints: "off",
    logging_collector: "off",
    log_destination: "stderr",
    cluster_name: "threeport",
    ...(major >= 18 ? { io_method: "sync" } : {}), // no input/output worker processes: they cost memory and help sequential scans only
  };
  return Object.entries(values).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

function quoteListItem(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

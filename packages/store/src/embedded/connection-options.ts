/** What `pg.Pool` and `pg.Client` need to reach a database. `host` that begins with `/` is the folder of a Unix socket. */
export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly password?: string;
  readonly ssl?: TlsOptions | false;
  readonly application_name?: string;
}

export interface TlsOptions {
  /** False: the traffic is encrypted, but nobody checked who answers (libpq's `sslmode=require`). */
  readonly rejectUnauthorized: boolean;
  /** PEM text of the certificate authority to trust instead of the system's. */
  readonly ca?: string;
}

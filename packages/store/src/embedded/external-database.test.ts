import { expect, test } from "vitest";
import { externalDatabase } from "./external-database.ts";

const accepted = [
  {
    url: "postgres://tp:secret@db.example.com/threeport",
    means: { host: "db.example.com", port: 5432, user: "tp", database: "threeport", password: "secret" },
    because: "the port has a default",
  },
  {
    url: "postgresql://tp:p%40ss%2Fword@[::1]:6432/three%20port?sslmode=disable&application_name=cp",
    means: { host: "::1", port: 6432, user: "tp", database: "three port", password: "p@ss/word", ssl: false, application_name: "cp" },
    because: "parts are percent-encoded, and an IPv6 address loses its brackets",
  },
  {
    url: "postgres://tp:p%2Fw@/threeport?host=/run/postgresql",
    means: { host: "/run/postgresql", port: 5432, user: "tp", database: "threeport", password: "p/w", ssl: false },
    because: "libpq and its documentation write it so",
  },
  {
    url: "postgres:///threeport?host=/run/postgresql&user=tp",
    means: { host: "/run/postgresql", port: 5432, user: "tp", database: "threeport", ssl: false },
    because: "a socket needs no TLS",
  },
  {
    url: "postgres://tp@db/threeport?sslmode=verify-full",
    means: { host: "db", port: 5432, user: "tp", database: "threeport", ssl: { rejectUnauthorized: true } },
    because: "the certificate must be checked when asked for",
  },
  {
    url: "postgres://tp@db/threeport?sslmode=require",
    means: { host: "db", port: 5432, user: "tp", database: "threeport", ssl: { rejectUnauthorized: false } },
    because: "this is what libpq does with it",
  },
];

for (const { url, means, because } of accepted) test(`${url} is understood: ${because}`, () => expect(externalDatabase(url)).toEqual(means));

const refused = [
  { url: "mysql://tp:canary@db/threeport", says: /postgres:\/\// },
  { url: "not a url canary", says: /not a URL/ },
  { url: "postgres://tp:canary@db", says: /name of the database/ },
  { url: "postgres://tp:canary@/threeport", says: /host is missing/ },
  { url: "postgres://db/threeport", says: /user is missing/ },
  { url: "postgres://tp:canary@/threeport?host=a,b", says: /several hosts/ },
  { url: "postgres://tp:canary@db/threeport?sslmode=prefer", says: /sslmode/ },
  { url: "postgres://tp:canary@db/threeport?target_session_attrs=read-write", says: /target_session_attrs/ },
  { url: "postgres://tp:%zz-canary@db/threeport", says: /percent-encoded/ },
];

for (const { url, says } of refused) {
  test(`${url} is refused, without showing the password`, () => {
    expect(() => externalDatabase(url)).toThrow(says);
    expect(() => externalDatabase(url)).not.toThrow(/canary/);
  });
}

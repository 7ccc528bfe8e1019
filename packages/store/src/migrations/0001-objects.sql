-- Objects, their versions, references, work, inventory, blobs, keys and credentials (docs/adr/0002, design.md §5.3, §5.4).

-- S2: one global counter. Its row is locked first in each write transaction, so commit order is number order.
CREATE TABLE counter (
  id integer PRIMARY KEY CHECK (id = 1),
  rv bigint NOT NULL,
  -- versions at or below this number may be gone: a watch from there is answered 410
  compacted_rv bigint NOT NULL
);
INSERT INTO counter (id, rv, compacted_rv) VALUES (1, 1, 0);

-- S3, S6: key → newest version. The primary key makes names unique per kind and namespace.
CREATE TABLE object (
  kind text COLLATE "C" NOT NULL,
  namespace text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  uid text NOT NULL,
  rv bigint NOT NULL,
  -- deletionTimestamp is set: K6 refuses new references
  terminating boolean NOT NULL,
  PRIMARY KEY (kind, namespace, name)
);
CREATE UNIQUE INDEX object_uid ON object (uid);

CREATE TABLE version (
  rv bigint PRIMARY KEY,
  kind text COLLATE "C" NOT NULL,
  namespace text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  uid text NOT NULL,
  -- 0: the object did not exist before
  prev_rv bigint NOT NULL,
  deleted boolean NOT NULL,
  -- the whole object as JSON text, resourceVersion included; kinds marked sensitive are sealed (S7)
  body text NOT NULL,
  schema_version text NOT NULL,
  written_at timestamptz NOT NULL
);
CREATE INDEX version_key ON version (kind, namespace, name, rv DESC);

-- S5: who is to be woken when what changes. Rows belong to the object that declares them (source).
CREATE TABLE reference (
  source_kind text COLLATE "C" NOT NULL,
  source_namespace text COLLATE "C" NOT NULL,
  source_name text COLLATE "C" NOT NULL,
  path text NOT NULL,
  waker_queue text NOT NULL,
  waker_key text COLLATE "C" NOT NULL,
  target_kind text COLLATE "C" NOT NULL,
  target_namespace text COLLATE "C" NOT NULL,
  target_name text COLLATE "C" NOT NULL,
  waits_for integer NOT NULL,
  PRIMARY KEY (target_kind, target_namespace, target_name, source_kind, source_namespace, source_name, path, waker_queue)
);
CREATE INDEX reference_source ON reference (source_kind, source_namespace, source_name);

-- §5.4: a row is one key that needs attention.
CREATE TABLE work (
  queue text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  -- 0 a person's change, 1 a controller's, 2 a periodic check (Q5)
  priority smallint NOT NULL,
  -- when the row may be claimed: ready time, or the end of the lease that holds it
  due_at timestamptz NOT NULL,
  -- Q2: grows with each enqueue; the lease deletes the row only when it saw the newest
  generation bigint NOT NULL,
  claimed_generation bigint NOT NULL DEFAULT 0,
  attempts integer NOT NULL DEFAULT 0,
  waiting_since timestamptz,
  lease_owner text,
  fence bigint NOT NULL DEFAULT 0,
  -- fan-out rows only: which kinds of change, and how far the expansion has come
  mask integer NOT NULL DEFAULT 0,
  cursor text COLLATE "C" NOT NULL DEFAULT '',
  PRIMARY KEY (queue, key)
) WITH (fillfactor = 70);
CREATE INDEX work_due ON work (priority, due_at);
CREATE SEQUENCE work_fence;

-- What a set of objects has put into the world (design.md C3); rows are written before the outside call (§5.5).
CREATE TABLE inventory (
  owner text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  uid text NOT NULL DEFAULT '',
  state text NOT NULL CHECK (state IN ('pending', 'applied', 'pruning')),
  detail text NOT NULL DEFAULT '{}',
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (owner, id)
);

-- S8: large bodies by content; always sealed, digests are HMACs.
CREATE TABLE blob (
  digest text COLLATE "C" PRIMARY KEY,
  body bytea NOT NULL,
  used_at timestamptz NOT NULL
);

-- S7: data keys, wrapped by the key-encryption key that lives outside the database.
CREATE TABLE data_key (
  id text PRIMARY KEY,
  wrapped bytea NOT NULL,
  created_at timestamptz NOT NULL
);

-- Bearer tokens by hash.
CREATE TABLE credential (
  hash text PRIMARY KEY,
  username text NOT NULL,
  groups text[] NOT NULL,
  expires_at timestamptz
);

-- Small facts about this database: the control plane's id, for example.
CREATE TABLE fact (
  name text PRIMARY KEY,
  value text NOT NULL
);

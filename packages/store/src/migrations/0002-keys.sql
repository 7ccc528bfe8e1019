-- Rotation of keys (S7), values that all replicas share, and processes that are alive.

-- Which key-encryption key wraps it: its name, never itself. '' where it was wrapped before names were kept.
ALTER TABLE data_key ADD COLUMN wrapped_by text NOT NULL DEFAULT '';

-- What every replica must have alike and nobody may read: the private key of the authority, for example. Sealed.
CREATE TABLE shared_secret (
  name text COLLATE "C" PRIMARY KEY,
  body text NOT NULL
);

-- Who holds leases, and until when it is taken for alive. A hint (Q4): a lease that is ended early is refused by its fence like any other.
CREATE TABLE process (
  owner text COLLATE "C" PRIMARY KEY,
  alive_until timestamptz NOT NULL
);

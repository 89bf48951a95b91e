-- The roles of a ledger that machines share: a worker and a reader beside the owner of the tables.
--
-- Run it once, as the owner, in the ledger's database, after `python -m remote_video ledger upgrade` has made the tables:
--   psql "host=db.studio dbname=studio user=owner" -f studio-roles.sql
-- and give both a password, which psql's \password keeps out of every log and history.
-- An owner who may not create roles has the two CREATE ROLE lines run by who may.

CREATE ROLE worker LOGIN;
CREATE ROLE reader LOGIN;

-- Before PostgreSQL 15 everybody may make tables here.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO worker, reader;

-- Submits, follows, collects and forgets jobs; makes and changes no table.
GRANT SELECT, INSERT, UPDATE, DELETE ON jobs, leases, engines TO worker;
GRANT SELECT ON meta, alembic_version TO worker;

-- Looks: `jobs`, `costs`, `ledger info`, reports. `meta` holds the salt that accounts are told apart by; it is not for reports.
GRANT SELECT ON jobs, leases, engines, alembic_version TO reader;

-- What later layouts add.
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO worker;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO reader;

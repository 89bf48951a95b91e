-- Three roles for a ledger that machines share, so that no machine that makes clips can change or drop its tables:
--
--     owner   makes the tables, and changes them when an update of the pack brings a new layout
--     worker  every machine that makes clips: reads and writes jobs
--     reader  reports: sees all there is in the ledger, changes nothing
--
-- Run it in the ledger's database as a superuser, or as your provider's administrator; again does no harm:
--
--     psql -d studio -f studio-roles.sql
--
-- Then give each a password (in psql: \password worker), and let the owner make the tables: see studio.md, "Roles".

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['owner', 'worker', 'reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', name);
        END IF;
    END LOOP;
END
$$;

DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format(
        'GRANT CONNECT ON DATABASE %I TO owner, worker, reader',
        current_database()
    );
END
$$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO owner;
GRANT USAGE ON SCHEMA public TO worker, reader;

-- Tables that were made before these roles were, by whomever, become the owner's.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['jobs', 'leases', 'engines', 'meta', 'alembic_version'] LOOP
        IF to_regclass('public.' || name) IS NOT NULL THEN
            EXECUTE format('ALTER TABLE public.%I OWNER TO owner', name);
            EXECUTE format('GRANT SELECT ON public.%I TO worker, reader', name);
            IF name IN ('jobs', 'leases', 'engines') THEN
                EXECUTE format('GRANT INSERT, UPDATE, DELETE ON public.%I TO worker', name);
            ELSE  -- the salt, by which accounts are known, and the layout
                EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON public.%I FROM worker', name);
            END IF;
        END IF;
    END LOOP;
END
$$;

-- And those that the owner makes from now on; of the salt and the layout the pack takes it back as it makes them.
ALTER DEFAULT PRIVILEGES FOR ROLE owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO worker;
ALTER DEFAULT PRIVILEGES FOR ROLE owner IN SCHEMA public
    GRANT SELECT ON TABLES TO reader;

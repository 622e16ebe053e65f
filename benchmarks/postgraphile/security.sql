-- Who may see what, for PostGraphile with login: the rules of server/reads/visibility.py as row level security, of the
-- tables that the benchmark's documents read. Others cannot be read at all.
-- PostgreSQL applies policies to nobody who is a superuser or owns the table: all other contenders notice nothing.
CREATE ROLE benchmark_web LOGIN NOINHERIT;
CREATE ROLE benchmark_central;
CREATE ROLE benchmark_local;
GRANT benchmark_central, benchmark_local TO benchmark_web;
GRANT SELECT ON package, "order", approval, entity, target, contact TO benchmark_central, benchmark_local;

-- Of their own schema, or PostGraphile would make fields of them. They read what local operators may not.
CREATE SCHEMA benchmark;
GRANT USAGE ON SCHEMA benchmark TO benchmark_local;
CREATE FUNCTION benchmark.scope() RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER ROWS 100 AS $$
  SELECT below.entity_id FROM operator_entity linked JOIN entity_closure below ON below.ancestor_id = linked.entity_id
  WHERE linked.operator_id = (SELECT current_setting('jwt.claims.operator')::uuid)
$$;
CREATE FUNCTION benchmark.packages() RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER ROWS 100 AS $$
  SELECT id FROM package WHERE status = 'PUBLISHED' AND (offered_to_all OR id IN (
    SELECT package_id FROM package_entity WHERE entity_id = ANY (ARRAY(SELECT benchmark.scope()))
  )) UNION SELECT id FROM package WHERE status IN ('PUBLISHED', 'ENDED') AND id IN (
    SELECT package_id FROM "order" WHERE entity_id = ANY (ARRAY(SELECT benchmark.scope()))
  )
$$;

-- A function in a subselect without a reference to the row is called once per statement, and looked up by its hash.
CREATE POLICY central ON package FOR SELECT TO benchmark_central USING (true);
CREATE POLICY local ON package FOR SELECT TO benchmark_local USING (id = ANY (ARRAY(SELECT benchmark.packages())));
CREATE POLICY central ON "order" FOR SELECT TO benchmark_central USING (true);
CREATE POLICY local ON "order" FOR SELECT TO benchmark_local USING (entity_id IN (SELECT benchmark.scope()));
CREATE POLICY central ON approval FOR SELECT TO benchmark_central USING (true);
CREATE POLICY local ON approval FOR SELECT TO benchmark_local
  USING (subject <> 'PACKAGE' AND entity_id IN (SELECT benchmark.scope()));
CREATE POLICY central ON entity FOR SELECT TO benchmark_central USING (true);
CREATE POLICY local ON entity FOR SELECT TO benchmark_local USING (id IN (SELECT benchmark.scope()));
CREATE POLICY central ON target FOR SELECT TO benchmark_central USING (true);
CREATE POLICY local ON target FOR SELECT TO benchmark_local
  USING (EXISTS (SELECT FROM "order" WHERE "order".id = target.order_id));
CREATE POLICY central ON contact FOR SELECT TO benchmark_central USING (true);
CREATE POLICY local ON contact FOR SELECT TO benchmark_local USING (
  entity_id IN (SELECT benchmark.scope()) OR EXISTS (SELECT FROM target WHERE target.contact_id = contact.id)
);
DO $$ DECLARE name text; BEGIN
  FOREACH name IN ARRAY '{package,order,approval,entity,target,contact}'::text[] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
  END LOOP;
END $$;

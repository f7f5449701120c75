-- A row for each thing that is wrong with the outbox of a database and for each advice, for people.
-- Our tables and functions may be missing, or out of reach for the role that asks. So they are
-- looked up in the catalog by text alone, and the question itself never fails.
WITH schema AS (
  SELECT n.oid, n.nspowner AS owner, n.nspacl AS acl,
         pg_catalog.obj_description(n.oid, 'pg_namespace') AS comment,
         pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS usable
  FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'tidegate'
), relations AS (
  SELECT c.*, 'tidegate.' || c.relname AS name,
         coalesce(c.reloptions, '{}') || coalesce((
           SELECT pg_catalog.array_agg('toast.' || option)
           FROM pg_catalog.pg_class AS t, pg_catalog.unnest(t.reloptions) AS option
           WHERE t.oid = c.reltoastrelid), '{}') AS options
  FROM schema JOIN pg_catalog.pg_class AS c ON c.relnamespace = schema.oid
), tables AS (
  SELECT * FROM relations WHERE relkind = 'r'
), wanted_tables (name, options) AS (VALUES
  ('tidegate.outbox',
   ARRAY['vacuum_truncate=off', 'toast.vacuum_truncate=off', 'autovacuum_vacuum_scale_factor=0',
         'autovacuum_vacuum_threshold=5000', 'toast.autovacuum_vacuum_scale_factor=0',
         'toast.autovacuum_vacuum_threshold=5000']),
  ('tidegate.outbox_removed', ARRAY['vacuum_truncate=off']),
  ('tidegate.outbox_marks', ARRAY['vacuum_truncate=off']),
  ('tidegate.lineage', ARRAY['vacuum_truncate=off']),
  ('tidegate.bridge', ARRAY['vacuum_truncate=off']),
  ('tidegate.bridged', ARRAY['vacuum_truncate=off', 'toast.vacuum_truncate=off'])
), columns AS (
  SELECT t.name AS relation, a.attname AS name, pg_catalog.concat_ws(' ',
           pg_catalog.format_type(a.atttypid, a.atttypmod),
           CASE WHEN a.attnotnull THEN 'NOT NULL' END,
           CASE a.attidentity WHEN 'a' THEN 'ALWAYS IDENTITY' WHEN 'd' THEN 'IDENTITY' END,
           'DEFAULT ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid)) AS definition
  FROM tables AS t JOIN wanted_tables AS w ON w.name = t.name
       JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
       LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = t.oid AND d.adnum = a.attnum
  WHERE a.attnum > 0 AND NOT a.attisdropped
), constraints AS (
  SELECT t.name, CASE c.contype WHEN 'p' THEN pg_catalog.pg_get_constraintdef(c.oid)
                                ELSE 'CONSTRAINT ' || c.conname END AS definition
  FROM tables AS t JOIN pg_catalog.pg_constraint AS c ON c.conrelid = t.oid
  WHERE c.contype IN ('p', 'c') AND c.convalidated
), functions AS (
  SELECT p.*, pg_catalog.format('tidegate.%s(%s)', p.proname,
                                pg_catalog.oidvectortypes(p.proargtypes)) AS name
  FROM schema JOIN pg_catalog.pg_proc AS p ON p.pronamespace = schema.oid
), rights AS (
  -- Those of others than the owner.
  SELECT 'SCHEMA tidegate' AS thing, a.* FROM schema, pg_catalog.aclexplode(acl) AS a
  WHERE a.grantee <> owner
  UNION ALL
  SELECT CASE r.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || r.name, a.*
  FROM relations AS r, pg_catalog.aclexplode(r.relacl) AS a
  WHERE a.grantee <> r.relowner
  UNION ALL
  SELECT 'FUNCTION ' || f.name, a.*
  FROM functions AS f,
         pg_catalog.aclexplode(coalesce(f.proacl, pg_catalog.acldefault('f', f.proowner))) AS a
  WHERE a.grantee <> f.proowner
), wanted_columns (relation, name, definition) AS (VALUES
  ('tidegate.outbox', 'id', 'bigint NOT NULL ALWAYS IDENTITY'),
  ('tidegate.outbox', 'transaction', 'xid8 NOT NULL DEFAULT pg_current_xact_id()'),
  ('tidegate.outbox', 'announced', 'timestamp with time zone NOT NULL DEFAULT clock_timestamp()'),
  ('tidegate.outbox', 'topic', 'text NOT NULL'),
  ('tidegate.outbox', 'payload', 'bytea NOT NULL'),
  ('tidegate.outbox', 'headers', 'jsonb NOT NULL'),
  ('tidegate.outbox_removed', 'single', 'boolean NOT NULL DEFAULT true'),
  ('tidegate.outbox_removed', 'before', 'xid8 NOT NULL DEFAULT ''0''::xid8'),
  ('tidegate.outbox_removed', 'past', 'xid8 NOT NULL DEFAULT ''0''::xid8'),
  ('tidegate.outbox_removed', 'past_id', 'bigint NOT NULL DEFAULT 0'),
  ('tidegate.outbox_removed', 'counted', 'xid8 NOT NULL DEFAULT ''0''::xid8'),
  ('tidegate.outbox_removed', 'counted_id', 'bigint NOT NULL DEFAULT 0'),
  ('tidegate.outbox_removed', 'bytes', 'bigint NOT NULL DEFAULT 0'),
  ('tidegate.outbox_marks', 'settled', 'xid8 NOT NULL'),
  ('tidegate.outbox_marks', 'noted', 'timestamp with time zone NOT NULL'),
  ('tidegate.outbox_marks', 'bytes', 'bigint NOT NULL'),
  ('tidegate.lineage', 'timeline', 'integer NOT NULL'),
  ('tidegate.lineage', 'name', 'uuid NOT NULL DEFAULT gen_random_uuid()'),
  ('tidegate.lineage', 'noted', 'timestamp with time zone NOT NULL DEFAULT clock_timestamp()'),
  ('tidegate.bridge', 'single', 'boolean NOT NULL DEFAULT true'),
  ('tidegate.bridge', 'stream', 'uuid NOT NULL DEFAULT gen_random_uuid()'),
  ('tidegate.bridge', 'epoch', 'bigint NOT NULL DEFAULT 0'),
  ('tidegate.bridge', 'incarnation', 'bigint NOT NULL DEFAULT 0'),
  ('tidegate.bridge', 'timeline', 'integer NOT NULL DEFAULT 0'),
  ('tidegate.bridge', 'last', 'bigint NOT NULL DEFAULT 0'),
  ('tidegate.bridge', 'received', 'bigint NOT NULL DEFAULT 0'),
  ('tidegate.bridge', 'cursor', 'text NOT NULL DEFAULT ''''::text'),
  ('tidegate.bridged', 'transaction', 'xid8 NOT NULL'),
  ('tidegate.bridged', 'id', 'bigint NOT NULL'),
  ('tidegate.bridged', 'number', 'bigint NOT NULL'),
  ('tidegate.bridged', 'position', 'text NOT NULL')
), wanted_constraints (name, definition) AS (VALUES
  -- Checks by their names, as PostgreSQL may write the same one differently in its versions.
  ('tidegate.outbox', 'PRIMARY KEY (transaction, id)'),
  ('tidegate.outbox', 'CONSTRAINT outbox_id'),
  ('tidegate.outbox', 'CONSTRAINT outbox_announced'),
  ('tidegate.outbox', 'CONSTRAINT outbox_topic'),
  ('tidegate.outbox', 'CONSTRAINT outbox_payload'),
  ('tidegate.outbox', 'CONSTRAINT outbox_headers'),
  ('tidegate.outbox_removed', 'PRIMARY KEY (single)'),
  ('tidegate.outbox_marks', 'PRIMARY KEY (settled)'),
  ('tidegate.lineage', 'PRIMARY KEY (timeline)'),
  ('tidegate.bridge', 'PRIMARY KEY (single)'),
  ('tidegate.bridged', 'PRIMARY KEY (transaction, id)')
), wanted_functions (name, definer, called, settings) AS (VALUES
  -- Called: by those who read the outbox.
  ('tidegate.announce(text, bytea, jsonb)', true, false,
   ARRAY['search_path=pg_catalog, pg_temp', 'standard_conforming_strings=on']),
  ('tidegate.announce(text, text, jsonb)', false, false,
   ARRAY['search_path=pg_catalog, pg_temp', 'standard_conforming_strings=on']),
  ('tidegate.remove_announced(interval, bigint, integer)', true, true,
   ARRAY['search_path=pg_catalog, pg_temp', 'plan_cache_mode=force_custom_plan']),
  ('tidegate.note_timeline()', true, true, ARRAY['search_path=pg_catalog, pg_temp']),
  ('tidegate.bridge_begin(bigint, bigint, bigint, bigint)', true, false,
   ARRAY['search_path=pg_catalog, pg_temp']),
  ('tidegate.bridge_number(bigint, text, bigint, text, xid8[], bigint[])', true, false,
   ARRAY['search_path=pg_catalog, pg_temp'])
), wrong_columns (text) AS (
  SELECT pg_catalog.format(
           CASE WHEN c.name IS NULL THEN 'there is no column %s.%s'
                WHEN w.name IS NULL THEN 'the column %s.%s is not of the outbox'
                ELSE 'the column %s.%s is "%s", not "%s"' END,
           relation, name, c.definition, w.definition)
  FROM columns AS c FULL JOIN wanted_columns AS w USING (relation, name)
  WHERE relation IN (SELECT t.name FROM tables AS t)
        AND c.definition IS DISTINCT FROM w.definition
), state AS (
  -- The tables' contents, if they can be asked.
  SELECT CASE WHEN usable AND NOT EXISTS (SELECT FROM wrong_columns)
                   AND (SELECT count(*) = 3 FROM tables AS t
                        WHERE t.name IN ('tidegate.outbox', 'tidegate.outbox_removed',
                                         'tidegate.bridge')
                              AND pg_catalog.has_table_privilege(t.oid, 'SELECT'))
              THEN pg_catalog.query_to_xml('
    SELECT NOT EXISTS (SELECT FROM tidegate.outbox_removed) AS lacks_its_row,
           NOT EXISTS (SELECT FROM tidegate.bridge) AS bridge_lacks_its_row,
           EXISTS (SELECT FROM tidegate.outbox WHERE transaction >= newest)
           OR EXISTS (SELECT FROM tidegate.outbox_removed WHERE before > newest OR past > newest)
             AS of_another_cluster
    FROM pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot()) AS newest',
    false, true, '')::text END AS answer
  FROM schema
), problems (text) AS (
  SELECT 'there is no schema tidegate in the database ' || pg_catalog.current_database() ||
         ': @again'
  WHERE NOT EXISTS (SELECT FROM schema)
  UNION ALL
  SELECT 'the schema is "' || coalesce(comment, '') ||
         '", not "outbox of tidegate, version @version": @again'
  FROM schema WHERE comment IS DISTINCT FROM 'outbox of tidegate, version @version'
  UNION ALL
  SELECT pg_catalog.format('the role %s may not use the schema tidegate: @reader', current_user)
  FROM schema WHERE NOT usable
  UNION ALL
  SELECT 'there is no table ' || w.name || ': @again' FROM schema, wanted_tables AS w
  WHERE w.name NOT IN (SELECT name FROM tables)
  UNION ALL
  SELECT text FROM wrong_columns
  UNION ALL
  SELECT pg_catalog.format(CASE WHEN w.definition LIKE 'PRIMARY%' THEN '%s has no %s: ' ||
           'ALTER TABLE %1$s ADD %2$s' ELSE '%s has no %s: @again' END, w.name, w.definition)
  FROM wanted_constraints AS w JOIN tables AS t ON t.name = w.name
  WHERE (w.name, w.definition) NOT IN (SELECT name, definition FROM constraints)
  UNION ALL
  SELECT pg_catalog.format('%s lacks the settings %s: @again', w.name, (
           SELECT pg_catalog.string_agg(o, ', ') FROM pg_catalog.unnest(w.options) AS o
           WHERE o <> ALL (t.options)))
  FROM wanted_tables AS w JOIN tables AS t ON t.name = w.name WHERE NOT t.options @> w.options
  UNION ALL
  SELECT pg_catalog.format(
           'no standby has the rows of %s, as it is unlogged: ALTER TABLE %1$s SET LOGGED', name)
  FROM tables WHERE relpersistence <> 'p'
  UNION ALL
  SELECT pg_catalog.format('%s may hide rows: ALTER TABLE %1$s DISABLE ROW LEVEL SECURITY', name)
  FROM tables WHERE relrowsecurity
  UNION ALL
  SELECT pg_catalog.format('the role %s may not read %s: @reader', current_user, w.name)
  FROM wanted_tables AS w JOIN tables AS t ON t.name = w.name
  WHERE NOT pg_catalog.has_table_privilege(t.oid, 'SELECT')
  UNION ALL
  SELECT CASE WHEN f.name IS NULL THEN 'there is no function ' || w.name || ': @again'
              WHEN w.name IS NULL THEN 'the function ' || f.name ||
                ' is not of the outbox, and may be called in the place of one that is: drop it'
              ELSE 'the function ' || f.name || ' is not as it was made: @again' END
  FROM (SELECT FROM schema) AS it, functions AS f FULL JOIN wanted_functions AS w ON w.name = f.name
  WHERE f.name IS NULL OR w.name IS NULL OR f.prosecdef <> w.definer
        OR f.proconfig IS DISTINCT FROM w.settings
        OR pg_catalog.replace(f.prosrc, pg_catalog.chr(13), '') <> ALL (ARRAY[@bodies])
  UNION ALL
  SELECT pg_catalog.format('the role %s may not call %s: @reader', current_user, w.name)
  FROM wanted_functions AS w JOIN functions AS f ON f.name = w.name
  WHERE w.called AND NOT pg_catalog.has_function_privilege(f.oid, 'EXECUTE')
  UNION ALL
  SELECT pg_catalog.format('%s belongs to %s and the schema to %s: they have to be of one role',
                           thing.name, pg_catalog.pg_get_userbyid(thing.owner),
                           pg_catalog.pg_get_userbyid(schema.owner))
  FROM schema, (SELECT name, relowner FROM tables
                UNION ALL SELECT name, proowner FROM functions) AS thing (name, owner)
  WHERE thing.owner <> schema.owner
  UNION ALL
  SELECT pg_catalog.format('%s has a right that nobody needs: REVOKE %s ON %s FROM %1$s',
           CASE WHEN grantee = 0 THEN 'PUBLIC'
                ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(grantee)) END,
           privilege_type, thing)
  FROM rights
  WHERE grantee = 0 OR privilege_type NOT IN ('SELECT', 'USAGE', 'EXECUTE')
  UNION ALL
  SELECT 'tidegate.outbox_removed lacks its row, so nothing is removed: @again' FROM state
  WHERE answer LIKE '%<lacks_its_row>true%'
  UNION ALL
  SELECT 'tidegate.bridge lacks its row, so no bridge can begin: @again' FROM state
  WHERE answer LIKE '%<bridge_lacks_its_row>true%'
  UNION ALL
  SELECT 'the outbox is of another cluster, from a dump: its transactions have not been here. ' ||
         'On the primary: TRUNCATE tidegate.outbox, tidegate.outbox_removed, ' ||
         'tidegate.outbox_marks, tidegate.lineage, tidegate.bridge, tidegate.bridged; ' ||
         'INSERT INTO tidegate.outbox_removed DEFAULT VALUES; ' ||
         'INSERT INTO tidegate.bridge DEFAULT VALUES. ' ||
         'The next time dump with --exclude-table-data=''tidegate.*'''
  FROM state WHERE answer LIKE '%<of_another_cluster>true%'
), advice (text) AS (
  SELECT 'this standby has hot_standby_feedback = off: its replay may wait at each VACUUM of ' ||
         'the outbox for queries that run here, up to max_standby_streaming_delay = ' ||
         pg_catalog.current_setting('max_standby_streaming_delay') || '; set it to on'
  FROM schema
  WHERE pg_catalog.pg_is_in_recovery()
        AND NOT pg_catalog.current_setting('hot_standby_feedback')::boolean
)
SELECT text, 'problem' AS kind FROM problems UNION ALL SELECT text, 'advice' FROM advice

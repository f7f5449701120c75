-- A row for each thing that is wrong with the schema of a database, for people. What may be
-- missing is named as text alone, so that the question itself never fails.
WITH schema AS (
  SELECT n.oid, pg_catalog.obj_description(n.oid, 'pg_namespace') AS comment,
         pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS usable
  FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'tidegate'
), tables AS (
  SELECT c.oid, c.relname AS name, coalesce(c.reloptions, '{}') || coalesce((
           SELECT array_agg('toast.' || option) FROM pg_catalog.pg_class AS t,
                  pg_catalog.unnest(t.reloptions) AS option WHERE t.oid = c.reltoastrelid), '{}')
           AS options,
         (SELECT pg_catalog.string_agg(a.attname || ' ' ||
                   pg_catalog.format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)
          FROM pg_catalog.pg_attribute AS a
          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
  FROM schema JOIN pg_catalog.pg_class AS c ON c.relnamespace = schema.oid AND c.relkind = 'r'
), wanted_tables (name, columns, options) AS (VALUES
  ('outbox', 'id bigint, transaction xid8, announced timestamp with time zone, topic text, ' ||
             'payload bytea, headers jsonb',
   ARRAY['vacuum_truncate=off', 'toast.vacuum_truncate=off', 'autovacuum_vacuum_scale_factor=0',
         'autovacuum_vacuum_threshold=5000']),
  ('outbox_removed', 'single boolean, before xid8', ARRAY['vacuum_truncate=off']),
  ('lineage', 'timeline integer, name uuid, noted timestamp with time zone',
   ARRAY['vacuum_truncate=off'])
), wanted_functions (name) AS (VALUES
  ('tidegate.announce(text,bytea,jsonb)'), ('tidegate.announce(text,text,jsonb)'),
  ('tidegate.remove_announced(timestamptz,integer)'), ('tidegate.note_timeline()')
)
SELECT 'there is no schema tidegate in the database ' || pg_catalog.current_database()
WHERE NOT EXISTS (SELECT FROM schema)
UNION ALL
SELECT 'the schema is "' || coalesce(comment, '') || '", not "outbox of tidegate, version @version"'
FROM schema WHERE comment IS DISTINCT FROM 'outbox of tidegate, version @version'
UNION ALL
SELECT 'the role ' || current_user || ' may not use the schema' FROM schema WHERE NOT usable
UNION ALL
SELECT CASE WHEN t.oid IS NULL THEN 'there is no table tidegate.' || w.name
            WHEN t.columns <> w.columns THEN 'the columns of tidegate.' || w.name || ' are ' ||
              t.columns
            WHEN NOT t.options @> w.options THEN 'tidegate.' || w.name || ' lacks the settings ' ||
              (SELECT pg_catalog.string_agg(o, ', ') FROM pg_catalog.unnest(w.options) AS o
               WHERE o <> ALL (t.options))
            ELSE 'the role ' || current_user || ' may not read tidegate.' || w.name END
FROM schema, wanted_tables AS w LEFT JOIN tables AS t ON t.name = w.name
WHERE t.oid IS NULL OR t.columns <> w.columns OR NOT t.options @> w.options OR
      usable AND NOT pg_catalog.has_table_privilege(t.oid, 'SELECT')
UNION ALL
SELECT 'there is no function ' || name FROM schema, wanted_functions
WHERE usable AND pg_catalog.to_regprocedure(name) IS NULL

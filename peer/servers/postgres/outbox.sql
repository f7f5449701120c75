-- The outbox of tidegate, version @version. Run it on the primary, in the database of the
-- application, as one who may create a schema there. To run it again does no harm.
BEGIN;
SET LOCAL client_min_messages = warning;

CREATE SCHEMA IF NOT EXISTS tidegate;

-- Announcements. None is ever updated, and no VACUUM gives pages back: a standby would have to
-- wait for its readers before it replays that, and everything behind it.
CREATE TABLE IF NOT EXISTS tidegate.outbox (
  id bigint GENERATED ALWAYS AS IDENTITY,
  transaction xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
  announced timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  topic text NOT NULL,
  payload bytea NOT NULL,
  headers jsonb NOT NULL,
  PRIMARY KEY (transaction, id)
);
ALTER TABLE tidegate.outbox SET (
  vacuum_truncate = off, toast.vacuum_truncate = off,
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
  toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 5000
);

-- Before which transaction rows were removed by age: one row.
CREATE TABLE IF NOT EXISTS tidegate.outbox_removed (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  before xid8 NOT NULL
);
ALTER TABLE tidegate.outbox_removed SET (vacuum_truncate = off);
INSERT INTO tidegate.outbox_removed (before) VALUES ('0') ON CONFLICT DO NOTHING;

-- A name for each timeline, for servers that don't tell the moment of a promotion.
CREATE TABLE IF NOT EXISTS tidegate.lineage (
  timeline integer PRIMARY KEY,
  name uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
  noted timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
ALTER TABLE tidegate.lineage SET (vacuum_truncate = off);

CREATE OR REPLACE FUNCTION tidegate.announce(topic text, payload bytea, headers jsonb DEFAULT '{}')
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  -- Without what a backslash takes literally.
  plain text := regexp_replace(topic, '\\.', 'x', 'gs');
  elements text[] := string_to_array(plain, '/');
BEGIN
  IF topic IS NULL OR payload IS NULL OR headers IS NULL THEN
    RAISE EXCEPTION 'an announcement needs a topic and a payload' USING ERRCODE = '22004',
      HINT = 'The payload may be empty; leave the headers out if there are none.';
  ELSIF topic = '' OR octet_length(topic) > @topic_bytes
        OR array_length(elements, 1) > @topic_elements THEN
    RAISE EXCEPTION 'the topic has 1 to @topic_bytes bytes and at most @topic_elements elements'
      USING ERRCODE = '22023';
  ELSIF plain LIKE '%\\%' OR elements && ARRAY['*', '#'] THEN
    RAISE EXCEPTION 'this is no topic: %', topic USING ERRCODE = '22023',
      HINT = 'Alone between slashes write \* for * and \# for #; for a backslash write \\.';
  ELSIF octet_length(payload) > @payload_bytes THEN
    RAISE EXCEPTION 'the payload has % bytes, and at most @payload_bytes are allowed',
      octet_length(payload) USING ERRCODE = '22023', HINT = 'Announce where it can be read.';
  ELSIF headers <> '{}' THEN
    IF jsonb_typeof(headers) <> 'object' THEN
      RAISE EXCEPTION 'the headers are no object' USING ERRCODE = '22023',
        HINT = 'Such as {"content-type": "application/json"}.';
    ELSIF EXISTS (SELECT FROM jsonb_each(headers) AS each (name, value)
                  WHERE name = '' OR jsonb_typeof(value) <> 'string')
          OR (SELECT count(*) > @headers
                     OR sum(octet_length(name) + octet_length(value)) > @header_bytes
              FROM jsonb_each_text(headers) AS each (name, value)) THEN
      RAISE EXCEPTION 'the headers are texts: at most @headers, with @header_bytes bytes together'
        USING ERRCODE = '22023';
    END IF;
  END IF;
  INSERT INTO tidegate.outbox (topic, payload, headers)
  VALUES (announce.topic, announce.payload, announce.headers);
END
$body$;

CREATE OR REPLACE FUNCTION tidegate.announce(topic text, payload text, headers jsonb DEFAULT '{}')
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $body$
  SELECT tidegate.announce(topic, convert_to(payload, 'UTF8'), headers)
$body$;

-- Removes at most so many rows that were announced before that time, the oldest first, of
-- transactions that are settled; one caller at a time. Returns how many.
CREATE OR REPLACE FUNCTION tidegate.remove_announced(announced_before timestamptz, most integer)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  removed bigint;
  last xid8;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('tidegate.outbox'), 1) THEN
    RETURN 0;
  END IF;
  WITH slice AS (
    SELECT o.transaction, o.id FROM tidegate.outbox AS o
    WHERE o.transaction < pg_snapshot_xmin(pg_current_snapshot()) AND o.announced < announced_before
    ORDER BY o.transaction, o.id LIMIT most
  ), gone AS (
    DELETE FROM tidegate.outbox AS o USING slice
    WHERE (o.transaction, o.id) = (slice.transaction, slice.id) RETURNING o.transaction
  )
  SELECT count(*), max(transaction::text::numeric)::text::xid8 INTO removed, last FROM gone;
  UPDATE tidegate.outbox_removed SET before = (last::text::numeric + 1)::text::xid8
  WHERE last IS NOT NULL AND before <= last;
  RETURN removed;
END
$body$;

-- Names the present timeline, once.
CREATE OR REPLACE FUNCTION tidegate.note_timeline()
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
  INSERT INTO tidegate.lineage (timeline)
  SELECT ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer
  ON CONFLICT DO NOTHING
$body$;

REVOKE ALL ON SCHEMA tidegate FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA tidegate FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA tidegate FROM PUBLIC;
@rights
COMMENT ON SCHEMA tidegate IS 'outbox of tidegate, version @version';
COMMIT;

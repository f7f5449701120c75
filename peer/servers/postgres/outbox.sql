-- The outbox of tidegate, version @version. Run it on the primary, in the database of the
-- application, as one who may create a schema there; with psql -v ON_ERROR_STOP=1, so that an error
-- shows in the exit status too. To run it again does no harm.
--
-- Its rows carry transaction ids of this cluster, which mean nothing in another one. So dump with
-- pg_dump --exclude-table-data='tidegate.*', run this again where that is restored, and publish
-- none of it for logical replication.
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL search_path = pg_catalog, pg_temp;

-- The functions below run with the rights of their owner. Another role that owns something here,
-- or may create something, could make them do what it likes: by a trigger, a table in the place of
-- ours, a function that is a better match. So all of it belongs to one role, the one that runs this
-- script, also if that is a superuser.
DO $do$
DECLARE
  thing text;
  owner text;
BEGIN
  IF current_setting('server_version_num')::integer < 140000 THEN
    RAISE EXCEPTION 'the outbox needs PostgreSQL 14 or newer' USING ERRCODE = '0A000';
  ELSIF to_regnamespace('tidegate') IS NULL THEN
    CREATE SCHEMA tidegate;
    RETURN;
  END IF;
  SELECT it.thing, quote_ident(pg_get_userbyid(it.owner)) INTO thing, owner FROM (
    SELECT 1, 'the schema tidegate', nspowner FROM pg_namespace WHERE nspname = 'tidegate'
    UNION ALL
    SELECT 2, oid::regclass::text, relowner FROM pg_class
    WHERE relnamespace = 'tidegate'::regnamespace
    UNION ALL
    SELECT 3, oid::regprocedure::text, proowner FROM pg_proc
    WHERE pronamespace = 'tidegate'::regnamespace
    UNION ALL
    SELECT 4, format('the trigger %I on %s', t.tgname, t.tgrelid::regclass), p.proowner
    FROM pg_class AS c JOIN pg_trigger AS t ON t.tgrelid = c.oid
         JOIN pg_proc AS p ON p.oid = t.tgfoid
    WHERE c.relnamespace = 'tidegate'::regnamespace AND NOT t.tgisinternal
          AND NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = p.proowner AND r.rolsuper)
  ) AS it (place, thing, owner)
  WHERE pg_get_userbyid(it.owner) <> current_user ORDER BY it.place, it.thing LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION '% belongs to %, not to %', thing, owner, quote_ident(current_user)
      USING ERRCODE = '42501',
      HINT = format('If the outbox may be that of this role, SET ROLE %s and run this again. '
                    'If not, drop what it has made, or choose another database.', owner);
  END IF;
  SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END INTO owner
  FROM pg_namespace AS n, aclexplode(n.nspacl) AS a
  WHERE n.nspname = 'tidegate' AND a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION '% may create in the schema tidegate', owner USING ERRCODE = '42501',
      HINT = format('Look at what is there, then REVOKE CREATE ON SCHEMA tidegate FROM %s.', owner);
  ELSIF obj_description('tidegate'::regnamespace, 'pg_namespace')
        ~ '^outbox of tidegate, version (?!@version$)' THEN
    RAISE EXCEPTION 'the schema is "%", which this script of version @version does not know',
      obj_description('tidegate'::regnamespace, 'pg_namespace') USING ERRCODE = '55000';
  END IF;
END
$do$;

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

-- For what is written past the function announce(): a row that can't be read at all would stop all
-- readers. One whose topic or headers are none is told by them, and passed.
DO $do$
DECLARE
  name text;
  rule text;
BEGIN
  FOR name, rule IN VALUES
    ('outbox_id', 'id > 0'),
    ('outbox_announced', 'extract(epoch FROM announced) BETWEEN 0 AND 253402300799'),
    ('outbox_topic', $$octet_length(convert_to(topic, 'UTF8')) BETWEEN 1 AND @topic_bytes$$),
    ('outbox_payload', 'octet_length(payload) <= @payload_bytes'),
    -- As JSON text, in which a character may take six times its bytes.
    ('outbox_headers', $$octet_length(convert_to(headers::text, 'UTF8'))
                         <= 6 * @header_bytes + 16 * @headers$$)
  LOOP
    IF NOT EXISTS (SELECT FROM pg_constraint
                   WHERE conrelid = 'tidegate.outbox'::regclass AND conname = name) THEN
      EXECUTE format('ALTER TABLE tidegate.outbox ADD CONSTRAINT %I CHECK (%s)', name, rule);
    END IF;
  END LOOP;
END
$do$;

-- How far rows were removed: one row.
CREATE TABLE IF NOT EXISTS tidegate.outbox_removed (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  -- Of this transaction and later ones no row was removed.
  before xid8 NOT NULL DEFAULT '0',
  -- There are no rows up to this key. It may lie behind `before`, as not every transaction has
  -- some; to look for the oldest row from here on passes all that VACUUM has not yet cleared away.
  past xid8 NOT NULL DEFAULT '0',
  past_id bigint NOT NULL DEFAULT 0,
  -- Up to this key rows were counted, and that is what they had together, also those that are gone.
  counted xid8 NOT NULL DEFAULT '0',
  counted_id bigint NOT NULL DEFAULT 0,
  bytes bigint NOT NULL DEFAULT 0
);
ALTER TABLE tidegate.outbox_removed SET (vacuum_truncate = off);
INSERT INTO tidegate.outbox_removed DEFAULT VALUES ON CONFLICT DO NOTHING;

-- Marks in the past: at that time all transactions before this one were settled, and their rows had
-- had so many bytes together since the beginning. By these, age and size are both a place in the
-- order of rows. The time in a row is that of the call; by it, a transaction that was open for
-- longer than rows are kept would lose its rows when it commits.
CREATE TABLE IF NOT EXISTS tidegate.outbox_marks (
  settled xid8 PRIMARY KEY,
  noted timestamptz NOT NULL,
  bytes bigint NOT NULL
);
ALTER TABLE tidegate.outbox_marks SET (vacuum_truncate = off);

-- A name for each timeline, for servers that don't tell the moment of a promotion.
CREATE TABLE IF NOT EXISTS tidegate.lineage (
  timeline integer PRIMARY KEY,
  name uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
  noted timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
ALTER TABLE tidegate.lineage SET (vacuum_truncate = off);

-- The stream that bridges (`tidegate bridge`) make of the rows, for receivers that read no server:
-- one row. A number stands here before its message is sent, so the next bridge goes on with the same
-- numbers, and what it sends once more is known to those who have it.
CREATE TABLE IF NOT EXISTS tidegate.bridge (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  -- The publisher, and the incarnation of it in which the stream has begun.
  stream uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
  epoch bigint NOT NULL DEFAULT 0,
  -- Of the bridge that has begun last. No other one gives numbers.
  incarnation bigint NOT NULL DEFAULT 0,
  timeline integer NOT NULL DEFAULT 0,
  last bigint NOT NULL DEFAULT 0,
  received bigint NOT NULL DEFAULT 0,
  cursor text NOT NULL DEFAULT ''
);
ALTER TABLE tidegate.bridge SET (vacuum_truncate = off);
INSERT INTO tidegate.bridge DEFAULT VALUES ON CONFLICT DO NOTHING;

-- The rows that have numbers, and the position with which each was sent. An id of 0 stands for rows
-- that were removed before a bridge had read them, the first of which was of that transaction.
CREATE TABLE IF NOT EXISTS tidegate.bridged (
  transaction xid8 NOT NULL,
  id bigint NOT NULL,
  number bigint NOT NULL,
  position text NOT NULL,
  PRIMARY KEY (transaction, id)
);
ALTER TABLE tidegate.bridged SET (vacuum_truncate = off, toast.vacuum_truncate = off);
CREATE UNIQUE INDEX IF NOT EXISTS bridged_number ON tidegate.bridged (number);

-- Announces in the transaction of the caller: nobody hears of it before COMMIT, and nobody at all
-- if that does not come. Lengths are those of UTF-8, which is how topics and headers travel,
-- whatever the encoding of the database.
CREATE OR REPLACE FUNCTION tidegate.announce(topic text, payload bytea, headers jsonb DEFAULT '{}')
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on AS $body$
DECLARE
  bytes integer := octet_length(convert_to(topic, 'UTF8'));
  -- Without what a backslash takes literally.
  plain text := regexp_replace(topic, '\\.', 'x', 'gs');
  elements text[] := string_to_array(plain, '/');
BEGIN
  IF topic IS NULL OR payload IS NULL OR headers IS NULL THEN
    RAISE EXCEPTION 'an announcement needs a topic and a payload' USING ERRCODE = '22004',
      HINT = 'The payload may be empty; leave the headers out if there are none.';
  ELSIF bytes NOT BETWEEN 1 AND @topic_bytes OR array_length(elements, 1) > @topic_elements THEN
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
                     OR sum(octet_length(convert_to(name || value, 'UTF8'))) > @header_bytes
              FROM jsonb_each_text(headers) AS each (name, value)) THEN
      RAISE EXCEPTION 'the headers are texts: at most @headers, with @header_bytes bytes together'
        USING ERRCODE = '22023';
    END IF;
  END IF;
  INSERT INTO tidegate.outbox (topic, payload, headers)
  VALUES (announce.topic, announce.payload, announce.headers);
END
$body$;

-- The payload as text. It has the same name because drivers that send values without their types
-- (psycopg, node-pg, pgx, lib/pq) then come here, and are served: their strings arrive as they are,
-- their binary values too if they are UTF-8, and are refused otherwise. If bytea alone could be
-- announced, PostgreSQL would take backslashes in their JSON for escapes. One thing alone would go
-- wrong in silence, bytea in its text form without a type, so that is refused here.
CREATE OR REPLACE FUNCTION tidegate.announce(topic text, payload text, headers jsonb DEFAULT '{}')
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on AS $body$
BEGIN
  IF payload LIKE '\\x%' AND payload ~ '^\\x([0-9a-fA-F]{2})*$' THEN
    RAISE EXCEPTION 'the payload came as text, and looks like bytea' USING ERRCODE = '22023',
      HINT = 'For bytea write announce($1, $2::bytea), for this very text '
             'announce($1, convert_to($2, ''UTF8'')).';
  END IF;
  PERFORM tidegate.announce(topic, convert_to(payload, 'UTF8'), headers);
END
$body$;

-- Removes rows that are older than kept_for, counted from when a call has seen their transaction
-- settled, and the oldest beyond kept_bytes, measured as they are stored; NULL: no such bound. Only
-- settled rows, the oldest first, and at most so many: call it again if it returns `most`. The size
-- of the file is no measure, as it never shrinks. One caller at a time works, the others get 0.
--
-- A call looks at `most` rows, and to measure them at ten times that, whatever there is; a plan
-- that was made for a small table must not change that. More may be kept: a 64th, and some rows of
-- one transaction.
CREATE OR REPLACE FUNCTION
tidegate.remove_announced(kept_for interval, kept_bytes bigint, most integer)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan AS $body$
DECLARE
  state tidegate.outbox_removed;
  settled_now xid8;
  at timestamptz;
  measured bigint := 0;
  marked bigint;
  one record;
  bound xid8;
  removed bigint;
  last xid8;
  last_id bigint;
BEGIN
  SELECT * INTO state FROM tidegate.outbox_removed FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN 0;
  END IF;
  settled_now := pg_snapshot_xmin(pg_current_snapshot());
  at := clock_timestamp();

  -- Marks of the future are of another cluster.
  DELETE FROM tidegate.outbox_marks AS m WHERE m.settled > settled_now;
  SELECT coalesce(max(m.bytes), 0) INTO marked FROM tidegate.outbox_marks AS m;

  -- Measure what was settled since the last call. 100 bytes stand for the rest of a row and its
  -- entry in the index.
  IF kept_bytes IS NOT NULL THEN
    FOR one IN
      SELECT o.transaction, o.id, pg_column_size(o.topic) + pg_column_size(o.payload)
                                  + pg_column_size(o.headers) + 100 AS bytes
      FROM tidegate.outbox AS o
      WHERE (o.transaction, o.id) > (state.counted, state.counted_id)
            AND o.transaction < settled_now
      ORDER BY o.transaction, o.id LIMIT 10::bigint * most
    LOOP
      IF one.transaction > state.counted AND state.bytes > marked + kept_bytes / 64 THEN
        INSERT INTO tidegate.outbox_marks (settled, noted, bytes)
        VALUES (one.transaction, at, state.bytes) ON CONFLICT DO NOTHING;
        marked := state.bytes;
      END IF;
      measured := measured + 1;
      state.bytes := state.bytes + one.bytes;
      state.counted := one.transaction;
      state.counted_id := one.id;
    END LOOP;
  END IF;
  IF measured < 10::bigint * most THEN
    state.counted := settled_now;
    state.counted_id := 0;
  END IF;

  -- The last mark, unless there is one that says nearly the same.
  INSERT INTO tidegate.outbox_marks (settled, noted, bytes)
  SELECT state.counted, at, state.bytes
  WHERE NOT EXISTS (SELECT FROM tidegate.outbox_marks AS m
                    WHERE m.settled >= state.counted
                          OR (m.noted > at - kept_for / 64 AND m.noted <= at) IS NOT FALSE
                             AND (m.bytes > state.bytes - kept_bytes / 64) IS NOT FALSE);
  SELECT m.settled INTO bound FROM tidegate.outbox_marks AS m
  WHERE m.noted <= at - kept_for OR m.bytes <= state.bytes - kept_bytes
  ORDER BY m.settled DESC LIMIT 1;
  DELETE FROM tidegate.outbox_marks AS m WHERE m.settled < bound;

  WITH gone AS (
    DELETE FROM tidegate.outbox WHERE ctid = ANY (ARRAY(
      SELECT o.ctid FROM tidegate.outbox AS o
      WHERE (o.transaction, o.id) > (state.past, state.past_id) AND o.transaction < bound
      ORDER BY o.transaction, o.id LIMIT most))
    RETURNING transaction, id
  ), bridged AS (
    DELETE FROM tidegate.bridged AS b USING gone
    WHERE b.transaction = gone.transaction AND b.id = gone.id
  )
  SELECT count(*) OVER (), gone.transaction, gone.id INTO removed, last, last_id FROM gone
  ORDER BY gone.transaction DESC, gone.id DESC LIMIT 1;
  removed := coalesce(removed, 0);
  IF removed > 0 THEN
    state.before := greatest(state.before, (last::text::numeric + 1)::text::xid8);
    state.past := last;
    state.past_id := last_id;
  END IF;
  IF removed < most AND bound > state.past THEN
    state.past := bound;
    state.past_id := 0;
  END IF;
  UPDATE tidegate.outbox_removed
  SET before = state.before, past = state.past, past_id = state.past_id,
      counted = state.counted, counted_id = state.counted_id, bytes = state.bytes;
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

-- A bridge begins; no row: another one works, as long as its session lasts. `known` is the
-- incarnation of an earlier life of the caller, and how far it has sent then.
--
-- Of a timeline that has ended, numbers may have been sent that are not here any more. Only the
-- bridge that has given them can go on behind them. Another one begins a stream of its own, with
-- what had not been received everywhere.
CREATE OR REPLACE FUNCTION
tidegate.bridge_begin(known bigint, known_last bigint, at bigint, most_bytes bigint)
RETURNS TABLE (stream uuid, epoch bigint, incarnation bigint, timeline integer, last bigint,
               first bigint, received bigint, cursor text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  state tidegate.bridge;
  here integer := ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer;
  ours boolean;
  renumbered bigint;
  oldest bigint;
BEGIN
  IF NOT pg_try_advisory_lock(hashtextextended('bridge of tidegate', 0)) THEN
    RETURN;
  END IF;
  SELECT * INTO state FROM tidegate.bridge FOR UPDATE;
  ours := known > 0 AND state.incarnation = known;
  state.incarnation := greatest(at, state.incarnation + 1);
  DELETE FROM tidegate.bridged AS b
  WHERE b.number <= state.received
        AND NOT EXISTS (SELECT FROM tidegate.outbox AS o
                        WHERE o.transaction = b.transaction AND o.id = b.id);
  IF ours THEN
    state.last := greatest(state.last, known_last);
  ELSIF state.epoch = 0 OR state.timeline <> here THEN
    state.epoch := state.incarnation;
    WITH gone AS (
      DELETE FROM tidegate.bridged AS b WHERE b.number > state.received RETURNING b.*
    )
    INSERT INTO tidegate.bridged (transaction, id, number, position)
    SELECT gone.transaction, gone.id,
           state.received + row_number() OVER (ORDER BY gone.number), gone.position
    FROM gone JOIN tidegate.outbox AS o ON o.transaction = gone.transaction AND o.id = gone.id;
    GET DIAGNOSTICS renumbered = ROW_COUNT;
    state.last := state.received + renumbered;
  END IF;
  -- The last ones without a gap that are still here; of a new stream those that nobody has.
  SELECT coalesce(min(it.number), state.last + 1) INTO oldest FROM (
    SELECT b.number, row_number() OVER newest AS place,
           sum(octet_length(o.payload) + 500) OVER newest AS bytes
    FROM (SELECT * FROM tidegate.bridged ORDER BY number DESC LIMIT 100000) AS b
         JOIN tidegate.outbox AS o ON o.transaction = b.transaction AND o.id = b.id
    WINDOW newest AS (ORDER BY b.number DESC)) AS it
  WHERE it.number = state.last + 1 - it.place AND it.bytes <= most_bytes
        AND (it.number > state.received OR state.epoch < state.incarnation);
  state.timeline := here;
  UPDATE tidegate.bridge AS b
  SET epoch = state.epoch, incarnation = state.incarnation, timeline = here, last = state.last;
  RETURN QUERY SELECT state.stream, state.epoch, state.incarnation, here, state.last, oldest,
                      state.received, state.cursor;
END
$body$;

-- Gives the next numbers to those of these rows that have none, and writes down how far the caller
-- has read, and up to which number everybody has what it sent.
CREATE OR REPLACE FUNCTION
tidegate.bridge_number(caller bigint, read_up_to text, has_received bigint, at text,
                       transactions xid8[], ids bigint[])
RETURNS TABLE (place bigint, number bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  state tidegate.bridge;
  given bigint;
BEGIN
  SELECT * INTO state FROM tidegate.bridge FOR UPDATE;
  IF state.incarnation <> caller THEN
    RAISE EXCEPTION 'another bridge has begun' USING ERRCODE = '55000';
  END IF;
  RETURN QUERY
  WITH wanted AS (
    SELECT r.* FROM unnest(transactions, ids) WITH ORDINALITY AS r (transaction, id, place)
    WHERE NOT EXISTS (SELECT FROM tidegate.bridged AS b
                      WHERE b.transaction = r.transaction AND b.id = r.id)
  ), new AS (
    INSERT INTO tidegate.bridged (transaction, id, number, position)
    SELECT w.transaction, w.id, state.last + row_number() OVER (ORDER BY w.place), at
    FROM wanted AS w
    RETURNING bridged.transaction, bridged.id, bridged.number
  )
  SELECT w.place, new.number FROM wanted AS w
         JOIN new ON new.transaction = w.transaction AND new.id = w.id
  ORDER BY new.number;
  GET DIAGNOSTICS given = ROW_COUNT;
  UPDATE tidegate.bridge AS b
  SET last = state.last + given, received = greatest(state.received, has_received),
      cursor = read_up_to;
END
$body$;

-- Rights. Default privileges may have given some when the things above were made. On the first run
-- all of those go, whoever has them. Later runs leave to other roles what a reader or an
-- application may have, as an earlier run or the operator gave it: this may be run for one more
-- role. They take what nobody needs: all that PUBLIC has, and all rights to write to a table.
DO $do$
DECLARE
  first boolean := obj_description('tidegate'::regnamespace, 'pg_namespace')
                   IS DISTINCT FROM 'outbox of tidegate, version @version';
  given record;
BEGIN
  FOR given IN
    SELECT 'SCHEMA tidegate' AS thing, a.*
    FROM pg_namespace AS n, aclexplode(n.nspacl) AS a
    WHERE n.nspname = 'tidegate' AND a.grantee <> n.nspowner
          AND (a.grantee = 0 OR a.privilege_type = 'CREATE')
    UNION ALL
    SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || c.oid::regclass, a.*
    FROM pg_class AS c, aclexplode(c.relacl) AS a
    WHERE c.relnamespace = 'tidegate'::regnamespace AND a.grantee <> c.relowner
          AND (first OR a.grantee = 0 OR a.privilege_type <> 'SELECT')
    UNION ALL
    SELECT 'FUNCTION ' || p.oid::regprocedure, a.*
    FROM pg_proc AS p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
    WHERE p.pronamespace = 'tidegate'::regnamespace AND a.grantee <> p.proowner
          AND (first OR a.grantee = 0)
  LOOP
    EXECUTE format('REVOKE %s ON %s FROM %s CASCADE', given.privilege_type, given.thing,
      CASE WHEN given.grantee = 0 THEN 'PUBLIC' ELSE given.grantee::regrole::text END);
  END LOOP;
END
$do$;
@rights
COMMENT ON SCHEMA tidegate IS 'outbox of tidegate, version @version';
COMMIT;

-- Tables by day: a day that is past its age goes with its partition, in milliseconds, and leaves no dead rows behind.

-- Adds the partition of a day to a table that is partitioned by range of a date or of a timestamptz, where it is missing.
--
-- A table on its own and then ATTACH, not CREATE ... PARTITION OF: that would lock out whoever reads the table, and stand
-- in line behind an export that reads it for minutes. Days before 2020 have one partition for all.
CREATE FUNCTION volaris_add_partition(parent regclass, day date) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    schema_name text;
    table_name  text;
BEGIN
    IF day < '2020-01-01' THEN
        RETURN;
    END IF;
    SELECT nspname, relname || to_char(day, '"_"YYYYMMDD') INTO schema_name, table_name
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE pg_class.oid = parent;
    IF to_regclass(format('%I.%I', schema_name, table_name)) IS NOT NULL THEN
        RETURN;
    END IF;
    -- The lock that ATTACH takes, which lets others read and write. Of two sessions that add a day at once the second
    -- waits here, and then finds it done.
    EXECUTE format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', parent);
    IF to_regclass(format('%I.%I', schema_name, table_name)) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %I.%I (LIKE %s INCLUDING ALL)', schema_name, table_name, parent);
    -- Midnights of UTC; for a date the rest of the text does not count.
    EXECUTE format(
        'ALTER TABLE %s ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)',
        parent, schema_name, table_name, day || ' 00:00+00', (day + 1) || ' 00:00+00'
    );
END
$$;

-- Drops one partition of a day before `before`, the oldest; gives its day, and NULL where there is none.
--
-- One a call, so that each goes in a transaction of its own: the lock on the parent keeps everybody waiting meanwhile.
CREATE FUNCTION volaris_drop_partition(parent regclass, before date) RETURNS date
LANGUAGE plpgsql AS $$
DECLARE
    child regclass;
    day   date;
BEGIN
    SELECT inhrelid::regclass, to_date(right(relname, 8), 'YYYYMMDD') INTO child, day
    FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = parent AND relname ~ '_\d{8}$' AND to_date(right(relname, 8), 'YYYYMMDD') < before
    ORDER BY 2
    LIMIT 1;
    IF child IS NOT NULL THEN
        EXECUTE format('DROP TABLE %s', child);
    END IF;
    RETURN day;
END
$$;

ALTER TABLE prices RENAME TO prices_before_partitions;
ALTER INDEX prices_pkey RENAME TO prices_before_partitions_pkey;

CREATE TABLE prices (
    symbol    text             NOT NULL CHECK (symbol <> ''),
    quoted_at timestamptz      NOT NULL,
    source    text             NOT NULL CHECK (source <> ''),
    -- PostgreSQL sorts NaN above Infinity, so that the upper bound keeps both out.
    price     double precision NOT NULL CHECK (price > 0 AND price < 'Infinity'),
    bid       double precision CHECK (bid >= 0 AND bid < 'Infinity'),
    ask       double precision CHECK (ask >= 0 AND ask < 'Infinity'),
    volume    bigint           CHECK (volume >= 0),
    -- Also the index that gives the latest rows of a symbol, read backwards.
    PRIMARY KEY (symbol, quoted_at, source)
) PARTITION BY RANGE (quoted_at);

-- What the replay source gives is of 2000 to 2013. It repeats itself under the same keys, so that it does not grow.
CREATE TABLE prices_past PARTITION OF prices FOR VALUES FROM (MINVALUE) TO ('2020-01-01 00:00+00');

SELECT volaris_add_partition('prices', day)
FROM (SELECT DISTINCT (quoted_at AT TIME ZONE 'UTC')::date AS day FROM prices_before_partitions) AS days;

INSERT INTO prices (symbol, quoted_at, source, price, bid, ask, volume)
SELECT symbol, quoted_at, source, price, bid, ask, volume FROM prices_before_partitions;

DROP TABLE prices_before_partitions;

-- The option chains: of each symbol and day the latest one, whole.

-- One row a chain. It is written first, and its lock lets one writer at a time at the contracts of that chain.
CREATE TABLE chains (
    symbol     text             NOT NULL CHECK (symbol <> ''),
    quoted_on  date             NOT NULL,  -- the day of quoted_at in UTC
    quoted_at  timestamptz      NOT NULL,
    written_at timestamptz      NOT NULL DEFAULT now(),
    source     text             NOT NULL CHECK (source <> ''),
    spot       double precision NOT NULL CHECK (spot > 0 AND spot < 'Infinity'),
    contracts  integer          NOT NULL CHECK (contracts >= 0),  -- rows in `options`
    listed     integer          NOT NULL CHECK (listed >= contracts),  -- what the source had, out of bounds included
    PRIMARY KEY (symbol, quoted_on)
);

-- One row a contract. Columns by falling width, so that none is padded. A bid or an ask of 0: there is none.
CREATE TABLE options (
    strike        double precision NOT NULL CHECK (strike > 0 AND strike < 'Infinity'),
    bid           double precision NOT NULL CHECK (bid >= 0 AND bid < 'Infinity'),
    ask           double precision NOT NULL CHECK (ask >= 0 AND ask < 'Infinity'),
    quoted_on     date             NOT NULL,
    expiration    date             NOT NULL,
    volume        integer          NOT NULL CHECK (volume >= 0),
    open_interest integer          NOT NULL CHECK (open_interest >= 0),
    is_call       boolean          NOT NULL,
    symbol        text             NOT NULL
) PARTITION BY RANGE (quoted_on);

-- No primary key: with (symbol, quoted_on, expiration, strike, is_call) a chain takes a third longer to replace, since
-- each new row is compared with the dead one of the same key, and the index is ten times as large. That no contract
-- stands twice is seen to by the record that is stored (ChainRows) and by the lock on the chain's row above.
CREATE INDEX options_chain ON options (symbol, quoted_on);

CREATE TABLE options_past PARTITION OF options FOR VALUES FROM (MINVALUE) TO ('2020-01-01');

-- One row for each quote that a source gave.
--
-- double precision and not numeric: the sources give binary doubles, the analytics compute with them, and no sum of
-- money is kept here. It takes 8 bytes instead of up to 14, needs no Decimal in Python, and gives back the same double.
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
);
